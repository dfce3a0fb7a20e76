package dingtalksim

import (
	"bytes"
	"errors"
	"mime/multipart"
	"net/http"
	"testing"
	"time"
)

// upload posts a file as a form; no data is no file.
func (b bench) upload(t *testing.T, query, name string, data []byte) reply {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	if data != nil {
		part, err := w.CreateFormFile("media", name)
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
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/media/upload?"+query, &buf)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.send(t, r)
}

func TestUpload(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mu.Lock()
	b.tokens["old"] = token{expires: b.clock.Now().Add(time.Hour)}
	b.mu.Unlock()
	const query = "access_token=old&type=file"
	got := b.upload(t, query, "7K3MQ2.zip", []byte("PK"))
	m, ok := b.Media(got.text("media_id"))
	if got.errcode() != 0 || !ok || m.Name != "7K3MQ2.zip" || string(m.Data) != "PK" {
		t.Fatalf("%s %+v", got.raw, m)
	}
	for name, tt := range map[string]struct {
		query, name string
		data        []byte
		code        int
	}{
		"csv":       {query, "x.csv", []byte("x"), codeBadMediaKind},
		"no kind":   {"access_token=old", "x.zip", []byte("x"), codeBadMediaKind},
		"empty":     {query, "x.zip", []byte{}, codeBadMediaSize},
		"too large": {query, "x.zip", make([]byte, mediaLimit+1), codeBadMediaSize},
		"no file":   {query, "", nil, codeBadJSON},
		"no token":  {"type=file", "x.zip", []byte("x"), 41001},
		"bad token": {"access_token=x&type=file", "x.zip", []byte("x"), 88},
	} {
		if got := b.upload(t, tt.query, tt.name, tt.data); got.errcode() != tt.code {
			t.Errorf("%s: %s", name, got.raw)
		}
	}
}

func TestFileMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.media["@m"] = Media{ID: "@m"}
	for name, param := range map[string]map[string]string{
		"csv":     {"mediaId": "@m", "fileName": "x.csv", "fileType": "csv"},
		"unknown": {"mediaId": "@x", "fileName": "x.zip", "fileType": "zip"},
	} {
		if got := b.call(t, http.MethodPost, groupPath, sendBody("sampleFile", param)); got.status != 400 {
			t.Errorf("%s: %s", name, got.raw)
		}
	}
}

func TestFlowControl(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetFlowControlled("zhou")
	body := sendBody("sampleText", map[string]string{"content": "x"})
	body["userIds"] = []string{"zhou", "li", "nobody"}
	got := b.call(t, http.MethodPost, "/v1.0/robot/oToMessages/batchSend", body)
	slow, _ := got.texts("flowControlledStaffIdList")
	gone, _ := got.texts("invalidStaffIdList")
	if len(slow) != 1 || slow[0] != "zhou" || len(gone) != 1 || gone[0] != "nobody" || len(b.Messages(Direct("zhou"))) != 0 || len(b.Messages(Direct("li"))) != 1 {
		t.Errorf("%s", got.raw)
	}
}

func TestDroppedAcks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	took := make(chan string, 4)
	b.dial(t, func(f frame) string {
		took <- f.Headers["messageId"]
		return ackOf(f, 200, `{"response":null}`)
	})
	b.DropAcks(1)
	d, err := b.Say(t.Context(), group, "zhou", "x", SayOptions{})
	if !errors.Is(err, ErrNoAck) {
		t.Errorf("%v", err)
	}
	first := <-took
	if _, err := b.Redeliver(t.Context(), d.MessageID); err != nil || <-took != first {
		t.Errorf("%v", err)
	}
}
