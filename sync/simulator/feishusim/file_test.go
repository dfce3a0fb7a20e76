package feishusim

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
)

// form makes the body of an upload; no data is no file.
func form(t *testing.T, fields map[string]string, data []byte) (kind string, body []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for name, v := range fields {
		if err := w.WriteField(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if data != nil {
		part, err := w.CreateFormFile("file", "x.csv")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), buf.Bytes()
}

// upload makes the call without a network.
func (w *world) upload(kind string, body []byte) (any, int) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "/open-apis/im/v1/files", http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	w.mu.Lock()
	defer w.mu.Unlock()
	data, no := serveUpload(&call{sim: w.Sim, http: r, body: body})
	if no != nil {
		return nil, no.code
	}
	return data, 0
}

func TestFiles(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	good := map[string]string{"file_type": "stream", "file_name": "计划.csv"}
	kind, body := form(t, good, []byte("a,b"))
	data, code := w.upload(kind, body)
	key, _ := object(t, data)["file_key"].(string)
	if f, ok := w.File(key); code != 0 || !ok || f.Name != "计划.csv" || string(f.Data) != "a,b" || f.Kind != "stream" {
		t.Fatalf("%d %+v", code, f)
	}
	sent := w.send("file", `{"file_key":"`+key+`"}`, "u1")
	if m, _ := w.Message(sent["message_id"].(string)); m.Type != "file" {
		t.Errorf("%+v", m)
	}
	w.sendRefused(230017, "file", `{"file_key":"file_v3_other"}`)
	w.sendRefused(230001, "file", `{}`)
	for name, tt := range map[string]struct {
		fields map[string]string
		data   []byte
		code   int
	}{
		"no kind":     {map[string]string{"file_name": "x"}, []byte("x"), 234001},
		"csv as kind": {map[string]string{"file_type": "csv", "file_name": "x"}, []byte("x"), 234001},
		"no name":     {map[string]string{"file_type": "stream"}, []byte("x"), 234001},
		"no file":     {good, nil, 234001},
		"empty":       {good, []byte{}, 234010},
		"too large":   {good, make([]byte, maxFile+1), 234006},
		"other part":  {map[string]string{"file_type": "stream", "file_name": "x", "key": "y"}, []byte("x"), 234001},
	} {
		kind, body := form(t, tt.fields, tt.data)
		if _, code := w.upload(kind, body); code != tt.code {
			t.Errorf("%s: %d", name, code)
		}
	}
	if _, code := w.upload("application/json", []byte("{}")); code != 234001 {
		t.Errorf("JSON: %d", code)
	}
	w.SetScopes("im:message")
	if r := w.do("POST", "/open-apis/im/v1/files", "{}"); r.code != 99991672 || !strings.Contains(r.raw, "im:resource:upload") {
		t.Errorf("without permission: %s", r.raw)
	}
}

func TestCharts(t *testing.T) {
	t.Parallel()
	const spec = `{"type":"bar","data":{"values":[{"at":"11-25","series":"入职","value":3}]},"xField":"at","yField":"value","seriesField":"series","stack":true}`
	chart := func(rest string) string { return body2(`{"tag":"chart","chart_spec":` + spec + rest + `}`) }
	for name, card := range map[string]string{
		"bare": chart(""), "all": chart(`,"aspect_ratio":"16:9","color_theme":"brand","height":"240px","preview":false,"element_id":"c1"`),
		"pie":     body2(`{"tag":"chart","chart_spec":{"type":"pie","data":{"values":[]},"valueField":"v","categoryField":"c"}}`),
		"in list": body2(`{"tag":"chart","chart_spec":{"type":"line","data":[{"values":[{"x":1,"y":2}]}],"xField":"x","yField":"y"}}`),
	} {
		if _, p := checkCard([]byte(card)); p != nil {
			t.Errorf("%s: %+v", name, *p)
		}
	}
	for name, card := range map[string]string{
		"unknown property": chart(`,"title":"x"`), "ratio": chart(`,"aspect_ratio":"3:2"`), "theme": chart(`,"color_theme":"red"`),
		"height": chart(`,"height":240`), "tall": chart(`,"height":"1000px"`), "preview": chart(`,"preview":"no"`),
		"no spec": body2(`{"tag":"chart"}`), "no type": body2(`{"tag":"chart","chart_spec":{"data":{"values":[]}}}`),
		"no data":      body2(`{"tag":"chart","chart_spec":{"type":"bar","xField":"x","yField":"y"}}`),
		"no axis":      body2(`{"tag":"chart","chart_spec":{"type":"bar","data":{"values":[]},"xField":"x"}}`),
		"wrong field":  body2(strings.Replace(`{"tag":"chart","chart_spec":`+spec+`}`, `"yField":"value"`, `"yField":"count"`, 1)),
		"six of them":  body2(strings.Repeat(`{"tag":"chart","chart_spec":`+spec+`},`, 5) + `{"tag":"chart","chart_spec":` + spec + `}`),
		"inside forms": body2(`{"tag":"form","name":"f","elements":[{"tag":"chart"},` + submit + `]}`),
	} {
		if _, p := checkCard([]byte(card)); p == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
