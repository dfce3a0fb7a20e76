package dingtalkbot_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

func byCallback(o *dingtalkbot.Options, _ *dingtalksim.Options) { o.Receive = dingtalkbot.Callback }

// callback is a world whose messages come by HTTP.
func callback(t *testing.T, changes ...change) (*world, string) {
	t.Helper()
	w := setup(t, append([]change{byCallback}, changes...)...)
	server := httptest.NewServer(w.bot.Handler(w.box.receive))
	t.Cleanup(server.Close)
	return w, server.URL + "/callback/unguessable"
}

func utter(text string, o dingtalksim.SayOptions) dingtalksim.Utterance {
	return dingtalksim.Utterance{Conversation: room, Staff: "u1", Text: text, SayOptions: o}
}

func TestSignVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ stamp, secret, want string }{
		{"1577262236757", "this is a secret", "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA="},
		{"1700000000000", "SEC" + strings.Repeat("0", 60) + "abcd", "LfRah3Ez4ZqolKBE6aWwJvYZ+oYrCgeT747Rkk7rtDI="},
		{"1700000000002", "SECexample", "YT7/FZACkFUlBiZXsLLxEy2viBHwqjxxCGDe+4v2PGc="},
		{"1600000000000", "SECexample", "tqidp3AcFDCayCwQXwN/90MOSIid1v09VI+euh8gbqM="},
	} {
		if got := dingtalkbot.Sign(tt.stamp, tt.secret); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.stamp, got, tt.want)
		}
	}
}

func TestCallback(t *testing.T) {
	t.Parallel()
	w, url := callback(t)
	p, err := w.Post(t.Context(), url, utter("状态", dingtalksim.SayOptions{}), dingtalksim.PostOptions{})
	if err != nil || p.Status != 200 || string(p.Body) != `{"msgtype":"empty"}` {
		t.Fatalf("%d %s %v", p.Status, p.Body, err)
	}
	m := w.next()
	if !m.Weak || m.Foreign || !m.Addressed || m.Text != "状态" || m.ID != p.MessageID || m.Chat != room || m.Session.URL == "" {
		t.Errorf("%+v", m)
	}
	if len(w.Messages(room)) != 0 || len(w.bot.Refused()) != 0 {
		t.Errorf("said %v, refused %v", w.Messages(room), w.bot.Refused())
	}
	// The same request again is for the claim to see: the id is the same.
	if _, err := w.Post(t.Context(), url, dingtalksim.Utterance{}, dingtalksim.PostOptions{Replay: &p}); err != nil {
		t.Fatal(err)
	}
	if again := w.next(); again.ID != m.ID {
		t.Errorf("id %s, then %s", m.ID, again.ID)
	}
	w.innocent()
}

func TestCallbackRefusals(t *testing.T) {
	t.Parallel()
	alter := func(from, to string) dingtalksim.PostOptions {
		return dingtalksim.PostOptions{Alter: func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(from), []byte(to)) }}
	}
	now := newClock().now()
	window := 5 * time.Minute
	for _, tt := range []struct {
		name   string
		say    dingtalksim.SayOptions
		post   dingtalksim.PostOptions
		status int
		reason string
	}{
		{name: "no signature", post: dingtalksim.PostOptions{NoSign: true}, status: 401, reason: "signature"},
		{name: "other secret", post: dingtalksim.PostOptions{BadSign: true}, status: 401, reason: "signature"},
		{name: "stale", post: dingtalksim.PostOptions{Timestamp: now.Add(-window - time.Second)}, status: 401, reason: "stale"},
		{name: "future", post: dingtalksim.PostOptions{Timestamp: now.Add(window + time.Second)}, status: 401, reason: "stale"},
		{name: "just in time", post: dingtalksim.PostOptions{Timestamp: now.Add(-window)}, status: 200},
		{name: "just not future", post: dingtalksim.PostOptions{Timestamp: now.Add(window)}, status: 200},
		{name: "other room", post: alter(room, "cidEVIL=="), status: 401, reason: "conversation"},
		{name: "alone with the bot, in the room's name", post: alter(`"conversationType":"2"`, `"conversationType":"1"`), status: 401, reason: "conversation"},
		{name: "other robot", say: dingtalksim.SayOptions{RobotCode: "other"}, status: 401, reason: "robot"},
		{name: "no robot", say: dingtalksim.SayOptions{NoRobotCode: true}, status: 401, reason: "robot"},
		{name: "other corp", say: dingtalksim.SayOptions{ChatbotCorpID: "dingother"}, status: 401, reason: "corp"},
		{name: "no JSON", post: alter("{", "["), status: 400, reason: "shape"},
		{name: "key twice", post: alter(`"msgId"`, `"MSGID":"x","msgId"`), status: 400, reason: "shape"},
		{name: "no id", post: alter(`"msgId"`, `"other"`), status: 400, reason: "message"},
		{name: "not UTF-8", post: alter("状态", "\xff\xfe"), status: 400, reason: "shape"},
		{name: "too large", post: alter("状态", strings.Repeat("x", 1<<20)), status: 413, reason: "too_large"},
		{name: "a foreign session", post: alter("/robot/sendBySession", "/evil"), status: 200, reason: "session_webhook"},
		// The signature does not cover the body: this cannot be refused, so it is weak.
		{name: "altered text", post: alter("状态", "批准"), status: 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, url := callback(t)
			p, err := w.Post(t.Context(), url, utter("状态", tt.say), tt.post)
			if err != nil || p.Status != tt.status || tt.status != 200 && len(p.Body) != 0 {
				t.Fatalf("status %d, body %q, %v", p.Status, p.Body, err)
			}
			got := w.box.messages()
			if taken := tt.status == 200; taken != (len(got) == 1) || taken && !got[0].Weak {
				t.Errorf("messages %+v", got)
			}
			want := map[string]int64{}
			if tt.reason != "" {
				want[tt.reason] = 1
			}
			if fmt.Sprint(w.bot.Refused()) != fmt.Sprint(want) {
				t.Errorf("refused %v, want %v", w.bot.Refused(), want)
			}
			if lines := strings.Count(w.log.String(), "\n"); lines != len(want) {
				t.Errorf("log: %s", w.log)
			}
			if strings.Contains(w.log.String(), "clock_skew") != (tt.reason == "stale") {
				t.Errorf("the skew is told wrongly: %s", w.log)
			}
			if calls := len(w.Calls()); calls != 0 {
				t.Errorf("%d outgoing calls", calls)
			}
			w.innocent()
		})
	}
}

func TestCallbackHeaders(t *testing.T) {
	t.Parallel()
	w, url := callback(t)
	stamp := strconv.FormatInt(w.clock.now().UnixMilli(), 10)
	good := dingtalkbot.Sign(stamp, secret)
	for name, h := range map[string]http.Header{
		"two signatures": {"Timestamp": {stamp}, "Sign": {good, good}},
		"two times":      {"Timestamp": {stamp, stamp}, "Sign": {good}},
		"seconds":        {"Timestamp": {stamp[:10]}, "Sign": {dingtalkbot.Sign(stamp[:10], secret)}},
		"no number":      {"Timestamp": {"now"}, "Sign": {dingtalkbot.Sign("now", secret)}},
		"huge":           {"Timestamp": {strings.Repeat("9", 40)}, "Sign": {dingtalkbot.Sign(strings.Repeat("9", 40), secret)}},
		"URL-encoded":    {"Timestamp": {stamp}, "Sign": {strings.ReplaceAll(good, "=", "%3D")}},
		"lower case":     {"Timestamp": {stamp}, "Sign": {strings.ToLower(good)}},
		"empty":          {"Timestamp": {""}, "Sign": {""}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = h
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
	if len(w.box.messages()) != 0 {
		t.Error("something was taken")
	}
}

func TestCallbackIsOffWithStream(t *testing.T) {
	t.Parallel()
	w := setup(t)
	server := httptest.NewServer(w.bot.Handler(w.box.receive))
	defer server.Close()
	p, err := w.Post(t.Context(), server.URL, utter("状态", dingtalksim.SayOptions{}), dingtalksim.PostOptions{})
	if err != nil || p.Status != http.StatusUnauthorized || w.bot.Refused()["off"] != 1 || len(w.box.messages()) != 0 {
		t.Errorf("%d %v %v", p.Status, err, w.bot.Refused())
	}
}

func TestCallbackNotAccepted(t *testing.T) {
	t.Parallel()
	w, url := callback(t)
	w.box.breakDown(errBroken)
	if _, err := w.Post(t.Context(), url, utter("同步 hr", dingtalksim.SayOptions{}), dingtalksim.PostOptions{}); err != nil {
		t.Fatal(err)
	}
	said := w.Messages(room)
	if len(said) != 1 || said[0].Via != dingtalksim.ViaCallback || !strings.Contains(said[0].Text, "没有收下") || len(said[0].Mentioned) != 1 {
		t.Fatalf("said %+v", said)
	}
	if _, err := w.Post(t.Context(), url, utter("同步 hr", dingtalksim.SayOptions{SenderCorpID: "dingother"}), dingtalksim.PostOptions{}); err != nil {
		t.Fatal(err)
	}
	if len(w.Messages(room)) != 1 {
		t.Error("a stranger was answered")
	}
	w.innocent()
}

func TestCallbackQuota(t *testing.T) {
	t.Parallel()
	w, url := callback(t)
	w.SetQuota(dingtalksim.Quota{Messages: 1})
	for range 2 {
		if _, err := w.Post(t.Context(), url, utter("状态", dingtalksim.SayOptions{}), dingtalksim.PostOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if said := w.Messages(room); len(said) != 1 || !strings.Contains(said[0].Text, "月度额度") {
		t.Errorf("said %+v", said)
	}
}

func TestCallbackManyAtOnce(t *testing.T) {
	t.Parallel()
	w, url := callback(t)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			p, err := w.Post(t.Context(), url, utter("状态", dingtalksim.SayOptions{MessageID: "msg-1"}), dingtalksim.PostOptions{})
			if err != nil || p.Status != 200 {
				t.Errorf("%d %v", p.Status, err)
			}
		})
	}
	all.Wait()
	for _, m := range w.box.messages() {
		if m.ID != "msg-1" {
			t.Errorf("id %s", m.ID)
		}
	}
}

// TestJSONBombs: what is built to exhaust us is refused.
func TestJSONBombs(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"deep":       strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000),
		"deep lists": `{"a":` + strings.Repeat("[", 200_000),
		"keys":       manyKeys(100_000),
		"number":     `{"msgId":` + strings.Repeat("9", 10_000) + `}`,
		"NUL":        "{\x00}",
		"BOM":        "\ufeff{}",
		"two":        `{}{}`,
		"list":       `[]`,
		"empty":      ``,
		"blank":      ` `,
	} {
		if dingtalkbot.Strict([]byte(body)) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := dingtalkbot.Strict([]byte(` {"a":{"a":[1,{"b":null}]},"b":"x"} `)); err != nil {
		t.Error(err)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	b.WriteString("{")
	for i := range n {
		fmt.Fprintf(&b, `"k%d":1,`, i)
	}
	return b.String() + `"z":1}`
}

// genuine is a message as the vendor documents it, with strings for numbers.
const genuine = `{"conversationId":"cidOPS==","atUsers":[{"dingtalkId":"$:LWCP_v1:$r"}],"chatbotCorpId":"dingsimcorp",
"chatbotUserId":"$:LWCP_v1:$r","msgId":"m1","senderNick":"李敏","isAdmin":true,"senderStaffId":"u1",
"sessionWebhookExpiredTime":"1795600000000","createAt":1795597620000,"senderCorpId":"dingsimcorp","conversationType":"2",
"senderId":"$:LWCP_v1:$u1","conversationTitle":"运维群","isInAtList":true,"robotCode":"dingsimclient",
"sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=abc","msgtype":"text",
"text":{"content":" 状态","isReplyMsg":true,"repliedMsg":{"content":{"text":"批准 7K3MQ2 删除=3"}}}}`

func TestQuotedTextIsNotRead(t *testing.T) {
	t.Parallel()
	w, _ := callback(t)
	res := httptest.NewRecorder()
	w.bot.Handler(w.box.receive).ServeHTTP(res, w.signed(genuine))
	if m := w.box.messages(); res.Code != 200 || len(m) != 1 || m[0].Text != "状态" || m[0].Session.Expires.UnixMilli() != 1795600000000 {
		t.Errorf("%d %+v", res.Code, m)
	}
}

func (w *world) signed(body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	stamp := strconv.FormatInt(w.clock.now().UnixMilli(), 10)
	r.Header.Set("timestamp", stamp)
	r.Header.Set("sign", dingtalkbot.Sign(stamp, secret))
	return r
}

func TestUnaddressedGroupTalk(t *testing.T) {
	t.Parallel()
	w, _ := callback(t)
	body := strings.NewReplacer(`"isInAtList":true`, `"isInAtList":false`, `"dingtalkId":"$:LWCP_v1:$r"`, `"dingtalkId":"x"`).Replace(genuine)
	res := httptest.NewRecorder()
	w.bot.Handler(w.box.receive).ServeHTTP(res, w.signed(body))
	if res.Code != 200 || len(w.box.messages()) != 0 {
		t.Errorf("%d %+v", res.Code, w.box.messages())
	}
}

// TestSessionURL: an address that a message brings along is the platform's own
// or nobody's.
func TestSessionURL(t *testing.T) {
	t.Parallel()
	hits := make(chan string, 100)
	evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hits <- r.URL.String() }))
	defer evil.Close()
	host := strings.TrimPrefix(evil.URL, "http://")
	w, _ := callback(t, func(o *dingtalkbot.Options, _ *dingtalksim.Options) {
		o.APIURL, o.OAPIURL = "http://127.0.0.1:9", "https://oapi.dingtalk.com"
		o.HTTPClient = &http.Client{Transport: refusing{}}
	})
	const path = "/robot/sendBySession?session=x"
	for _, bad := range []string{
		"http://oapi.dingtalk.com" + path, "https://oapi.dingtalk.com.evil" + path, "https://evil" + path,
		"https://oapi.dingtalk.com@" + host + path, "https://oapi.dingtalk.com:443@" + host + path,
		"https://" + host + "#oapi.dingtalk.com" + path, "https://" + host + "/https://oapi.dingtalk.com" + path,
		"https://OAPI.dingtalk.com" + path, "https://oapi.dingtalk.com." + path, "https://oapi.dingtalk.com:443" + path,
		"https://oapi.dingtalk.com:8080" + path, `https://oapi.dingtalk.com\@` + host + path, "https://oapi.dingtalk.com%2f@" + host + path,
		"http://" + host + path, "//oapi.dingtalk.com" + path, "https:oapi.dingtalk.com" + path, "ftp://oapi.dingtalk.com" + path,
		"https://oapi.dingtalk.com/robot/send?access_token=x", "https://oapi.dingtalk.com/robot/sendBySession",
		"https://oapi.dingtalk.com/robot/sendBySession?session=", "https://oapi.dingtalk.com/robot/../x?session=1",
		"https://oapi.dingtalk.com/robot/sendBySession/?session=1", "https://oapi.dingtalk.com/robot%2fsendBySession?session=1",
		"https://oapi.dingtalk.com" + path + "#x", "https://u:p@oapi.dingtalk.com" + path, " https://oapi.dingtalk.com" + path,
		"https://oapi.dingtalk.com\n" + path, "https://[::ffff:127.0.0.1]" + path, "https://２130706433" + path, "", "x", "https://",
	} {
		if got, ok := w.bot.SessionURL(bad); ok {
			t.Errorf("%q is accepted as %q", bad, got)
		}
		raw, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		body := strings.Replace(genuine, `"https://oapi.dingtalk.com/robot/sendBySession?session=abc"`, string(raw), 1)
		res := httptest.NewRecorder()
		w.bot.Handler(w.box.receive).ServeHTTP(res, w.signed(body))
		m := w.next()
		if m.Session.URL != "" {
			t.Errorf("%q is kept", bad)
		}
		// Nor when it has found its way into the record.
		o := out(info())
		o.Session.URL, o.Session.Expires = bad, w.clock.now().Add(time.Hour)
		if _, err := w.bot.Send(t.Context(), o, "k", ""); err == nil {
			t.Errorf("%q was sent", bad)
		}
	}
	got, ok := w.bot.SessionURL("https://oapi.dingtalk.com" + path)
	if !ok || got != "https://oapi.dingtalk.com"+path {
		t.Errorf("the real one: %q", got)
	}
	if len(hits) != 0 {
		t.Errorf("%d connections to the listener: %s", len(hits), <-hits)
	}
}

// refusing is a transport that fails, so that nothing leaves the machine.
type refusing struct{}

func (refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Host == "oapi.dingtalk.com" || r.Host == "127.0.0.1:9" {
		return nil, io.ErrUnexpectedEOF
	}
	return http.DefaultTransport.RoundTrip(r)
}

func FuzzCallback(f *testing.F) {
	f.Add([]byte(genuine))
	f.Add([]byte(`{"msgId":1}`))
	f.Add([]byte(`{"msgId":"a","conversationId":"cidOPS==","robotCode":"dingsimclient","chatbotCorpId":"dingsimcorp","createAt":9e99,"content":[]}`))
	b, err := dingtalkbot.New(dingtalkbot.Options{
		ClientID: "dingsimclient", ClientSecret: secret, CorpID: corp, Receive: dingtalkbot.Callback,
		Conversations: []string{room}, Now: newClock().now, BotName: "点名",
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		box := newInbox()
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		stamp := strconv.FormatInt(newClock().now().UnixMilli(), 10)
		r.Header.Set("timestamp", stamp)
		r.Header.Set("sign", dingtalkbot.Sign(stamp, secret))
		res := httptest.NewRecorder()
		b.Handler(box.receive).ServeHTTP(res, r)
		for _, m := range box.messages() {
			if m.ID == "" || m.Chat == "" || !m.Weak || strings.HasPrefix(m.Text, "@点名 ") ||
				m.Session.URL != "" && !strings.HasPrefix(m.Session.URL, "https://oapi.dingtalk.com/robot/sendBySession?") {
				t.Errorf("%+v", m)
			}
		}
		if res.Code >= 500 {
			t.Errorf("%d", res.Code)
		}
	})
}

func BenchmarkCallback(b *testing.B) {
	bt, err := dingtalkbot.New(dingtalkbot.Options{
		ClientID: "dingsimclient", ClientSecret: secret, CorpID: corp, Receive: dingtalkbot.Callback,
		Conversations: []string{room}, Now: newClock().now,
	})
	if err != nil {
		b.Fatal(err)
	}
	box := newInbox()
	box.fail = errBroken // so that it keeps nothing
	h := bt.Handler(box.receive)
	stamp := strconv.FormatInt(newClock().now().UnixMilli(), 10)
	for name, sign := range map[string]string{"good": dingtalkbot.Sign(stamp, secret), "forged": "x"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(genuine))
				r.Header.Set("timestamp", stamp)
				r.Header.Set("sign", sign)
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
