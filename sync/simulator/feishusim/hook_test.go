package feishusim

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestHook(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	w.token = "" // a webhook needs none
	w.AddHook("plain", HookOptions{Chat: "oc_room"})
	w.AddHook("words", HookOptions{Keywords: []string{"点名", "日报"}})
	w.AddHook("home", HookOptions{IPs: []string{"10.0.0.1", "127.0.0.*"}})
	w.AddHook("net", HookOptions{IPs: []string{"127.0.0.9/8"}})
	w.AddHook("away", HookOptions{IPs: []string{"10.0.0.1", "10.1.*", "10.2.0.0/16", "junk"}})
	const base = "/open-apis/bot/v2/hook/"
	text := `{"msg_type":"text","content":{"text":"你好"}}`
	for _, tt := range []struct {
		key  string
		body string
		code int
	}{
		{"plain", text, 0},
		{"plain", `{"msg_type":"post","content":{"post":{"zh_cn":{"title":"日报","content":[[{"tag":"text","text":"x"}]]}}}}`, 0},
		{"plain", `{"msg_type":"interactive","card":` + card2 + `}`, 0},
		{"plain", `{"msg_type":"interactive","content":` + card2 + `}`, 19002},
		{"none", text, 19001},
		{"words", text, 19024},
		{"words", `{"msg_type":"text","content":{"text":"\u65e5\u62a5 x"}}`, 0},
		{"words", `{"msg_type":"interactive","card":{"elements":[{"tag":"div","text":{"tag":"lark_md","content":"点名"}}]}}`, 0},
		{"home", text, 0},
		{"net", text, 0},
		{"away", text, 19022},
		{"home", `{`, 9499},
		{"home", `{"content":{"text":"x"}}`, 19002},
		{"home", `{"msg_type":"text","content":{}}`, 19002},
		{"home", `{"msg_type":"card","content":{}}`, 9499},
		{"net", `{"msg_type":"interactive","card":{"schema":"2.0"}}`, 230099},
		{"net", `{"msg_type":"text","content":{"text":"` + strings.Repeat("x", hookBody) + `"}}`, 9499},
		{"net", `{"msg_type":"text","content":{"text":"` + strings.Repeat("x", hookTooBig) + `"}}`, 19036},
	} {
		w.clock.advance(time.Second)
		r := w.refused(tt.code, "POST", base+tt.key, tt.body)
		if r.status != 200 {
			t.Errorf("%s: status %d", tt.key, r.status)
		}
		if tt.code == 0 && (r.body["StatusCode"] != 0.0 || r.body["msg"] != "success") {
			t.Errorf("%s: %s", tt.key, r.raw)
		}
	}
	got := w.Messages("oc_room")
	if len(got) != 3 || got[0].Text() != "你好" || got[0].SenderID != "hook:plain" || got[2].Type != "interactive" {
		t.Errorf("messages: %+v", got)
	}
	if len(w.EffectsOf("hook.send")) != 7 {
		t.Errorf("effects: %v", w.EffectsOf("hook.send"))
	}
}

func TestHookSignature(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	w.AddHook("k", HookOptions{Secret: "s3cret"})
	body := func(age time.Duration, secret string, quoted bool) string {
		stamp := strconv.FormatInt(w.clock.now().Add(-age).Unix(), 10)
		sign := HookSign(stamp, secret)
		if quoted {
			stamp = `"` + stamp + `"`
		}
		return `{"timestamp":` + stamp + `,"sign":"` + sign + `","msg_type":"text","content":{"text":"x"}}`
	}
	const path = "/open-apis/bot/v2/hook/k"
	w.refused(0, "POST", path, body(0, "s3cret", true))
	w.refused(0, "POST", path, body(time.Hour, "s3cret", false))
	w.refused(0, "POST", path, body(-time.Hour, "s3cret", true))
	w.refused(19021, "POST", path, body(time.Hour+time.Second, "s3cret", true))
	w.clock.advance(time.Minute)
	w.refused(19021, "POST", path, body(-time.Hour-time.Second, "s3cret", true))
	w.refused(19021, "POST", path, body(0, "other", true))
	w.refused(19021, "POST", path, `{"msg_type":"text","content":{"text":"x"}}`)
}

func TestHookRate(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	w.AddHook("k", HookOptions{})
	const path, body = "/open-apis/bot/v2/hook/k", `{"msg_type":"text","content":{"text":"x"}}`
	for range 5 {
		w.refused(0, "POST", path, body)
	}
	w.refused(11232, "POST", path, body)
	sent := 5
	for range 60 {
		w.clock.advance(500 * time.Millisecond)
		for range 5 {
			if w.do("POST", path, body).code == 0 {
				sent++
			}
		}
	}
	if sent < 120 || sent > 155 { // 100 at once and 100 a minute after that, in half a minute
		t.Errorf("%d sent", sent)
	}
}
