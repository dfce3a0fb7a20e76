package dingtalksim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	groupPath  = "/v1.0/robot/groupMessages/send"
	singlePath = "/v1.0/robot/oToMessages/batchSend"
	recallPath = "/v1.0/robot/groupMessages/recall"
)

// sendBody is a group send; param is encoded as a JSON string.
func sendBody(key string, param map[string]string) map[string]any {
	raw, _ := json.Marshal(param)
	return map[string]any{
		"robotCode": "dingsimclient", "openConversationId": openID, "msgKey": key, "msgParam": string(raw),
	}
}

func TestGroupSendTemplates(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key     string
		param   map[string]string
		kind    string
		text    string
		buttons []Button
	}{
		{"sampleText", map[string]string{"content": "好"}, "text", "好", nil},
		{"sampleMarkdown", map[string]string{"title": "t", "text": "# x"}, "markdown", "# x", nil},
		{"sampleLink", map[string]string{"title": "t", "text": "x", "messageUrl": "u", "picUrl": "p"}, "link", "x", []Button{{"t", "u"}}},
		{"sampleActionCard", map[string]string{"title": "t", "text": "x", "singleTitle": "a", "singleURL": "u"}, "actionCard", "x", []Button{{"a", "u"}}},
		{"sampleActionCard2", map[string]string{
			"title": "t", "text": "x", "actionTitle1": "a", "actionURL1": "u", "actionTitle2": "b", "actionURL2": "v",
		}, "actionCard", "x", []Button{{"a", "u"}, {"b", "v"}}},
		{"sampleActionCard6", map[string]string{
			"title": "t", "text": "x", "buttonTitle1": "a", "buttonUrl1": "u", "buttonTitle2": "b", "buttonUrl2": "v",
		}, "actionCard", "x", []Button{{"a", "u"}, {"b", "v"}}},
		{"sampleImageMsg", map[string]string{"photoURL": "p"}, "sampleImageMsg", "", nil},
		{"sampleFile", map[string]string{"mediaId": "@m", "fileName": "x.zip", "fileType": "zip"}, "sampleFile", "@m", nil},
	} {
		t.Run(c.key, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.media["@m"] = Media{ID: "@m"}
			got := b.call(t, http.MethodPost, groupPath, sendBody(c.key, c.param))
			said := b.Messages(group)
			if got.status != 200 || len(said) != 1 {
				t.Fatalf("got %d %s", got.status, got.raw)
			}
			m := said[0]
			if m.ID != got.text("processQueryKey") || m.Via != ViaGroup || m.Kind != c.kind || m.Text != c.text ||
				!slices.Equal(m.Buttons, c.buttons) {
				t.Errorf("said %+v", m)
			}
			for missing := range c.param {
				if missing == "picUrl" {
					continue
				}
				fewer := map[string]string{}
				for k, v := range c.param {
					if k != missing {
						fewer[k] = v
					}
				}
				got := b.call(t, http.MethodPost, groupPath, sendBody(c.key, fewer))
				if got.status != 400 || got.text("code") != "invalidParameter.msgParam" {
					t.Errorf("without %s: %d %s", missing, got.status, got.raw)
				}
			}
		})
	}
}

func TestGroupSendRefusals(t *testing.T) {
	t.Parallel()
	frame := len(`{"content":""}`)
	for _, c := range []struct {
		name   string
		change func(map[string]any)
		status int
		code   string
	}{
		{"by conversation id", func(m map[string]any) { m["openConversationId"] = group }, 200, ""},
		{"other robot", func(m map[string]any) { m["robotCode"] = "other" }, 400, "invalidParameter.robotCode.auth"},
		{"unknown group", func(m map[string]any) { m["openConversationId"] = "none" }, 400, "invalid.openConversationId"},
		{"param as object", func(m map[string]any) { m["msgParam"] = map[string]string{"content": "x"} }, 400, "invalidParameter.msgParam"},
		{"unknown key", func(m map[string]any) { m["msgKey"] = "sampleActionCard7" }, 400, "invalidParameter.msgParam"},
		{"longest", func(m map[string]any) { m["msgParam"] = `{"content":"` + strings.Repeat("x", 15000-frame) + `"}` }, 200, ""},
		{"too long", func(m map[string]any) { m["msgParam"] = `{"content":"` + strings.Repeat("x", 15001-frame) + `"}` }, 400, "invalidParameter.msgParam.tooLong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			body := sendBody("sampleText", map[string]string{"content": "好"})
			c.change(body)
			got := b.call(t, http.MethodPost, groupPath, body)
			if got.status != c.status || got.text("code") != c.code {
				t.Errorf("got %d %s", got.status, got.raw)
			}
			if want := c.status == 200; (len(b.Messages(group)) == 1) != want {
				t.Errorf("said %+v", b.Messages(group))
			}
		})
	}
	b := setup(t)
	r := b.request(t, http.MethodPost, groupPath, "hello")
	r.Header.Set(theToken, b.token(t))
	if got := b.send(t, r); got.status != 400 {
		t.Errorf("no JSON: %d %s", got.status, got.raw)
	}
}

func TestSingleSend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := map[string]any{
		"robotCode": "dingsimclient", "msgKey": "sampleText", "msgParam": `{"content":"好"}`,
		"userIds": []string{"zhou", "nobody", "chen"},
	}
	got := b.call(t, http.MethodPost, singlePath, body)
	if unknown, _ := got.texts("invalidStaffIdList"); got.status != 200 || !slices.Equal(unknown, []string{"nobody"}) ||
		got.object["flowControlledStaffIdList"] == nil {
		t.Errorf("got %d %s", got.status, got.raw)
	}
	for _, who := range []string{"zhou", "chen"} {
		said := b.Messages(Direct(who))
		if len(said) != 1 || said[0].Via != ViaSingle || said[0].ID != got.text("processQueryKey") {
			t.Errorf("to %s: %+v", who, said)
		}
	}
	for name, ids := range map[string]any{
		"nobody": []string{}, "21": slices.Repeat([]string{"zhou"}, 21), "no list": "zhou",
	} {
		body["userIds"] = ids
		if got := b.call(t, http.MethodPost, singlePath, body); got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	body["userIds"], body["robotCode"] = []string{"zhou"}, "other"
	if got := b.call(t, http.MethodPost, singlePath, body); got.text("code") != "invalidParameter.robotCode.auth" {
		t.Errorf("other robot: %s", got.raw)
	}
}

func TestRecall(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.call(t, http.MethodPost, groupPath, sendBody("sampleText", map[string]string{"content": "好"})).text("processQueryKey")
	got := b.call(t, http.MethodPost, recallPath, map[string]any{
		"robotCode": "dingsimclient", "openConversationId": openID, "processQueryKeys": []string{key, "none"},
	})
	done, _ := got.texts("successResult")
	if !slices.Equal(done, []string{key}) || got.child("failedResult")["none"] == nil || !b.Messages(group)[0].Recalled {
		t.Errorf("got %s, said %+v", got.raw, b.Messages(group))
	}
}
