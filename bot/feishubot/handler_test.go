package feishubot

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

func TestAMessageArrivesByCallback(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	e := w.say(t, feishusim.Words{Text: "@点名 同步 hr-to-wecom"})
	for range 3 { // deliveries repeat; whoever claims must see the same id
		a := w.post(t, e, feishusim.Forgery{})
		if a.Status != http.StatusOK || string(a.Body) != "{}" {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	got := w.inbox.all()
	if len(got) != 3 || got[0].ID != e.MessageID || got[2].ID != e.MessageID {
		t.Fatalf("%+v", got)
	}
	m := got[0]
	if m.Text != "同步 hr-to-wecom" || !m.Addressed || m.Direct || m.Foreign || m.Chat != w.chat || !m.At.Equal(w.clock.now()) {
		t.Errorf("%+v", m)
	}
	if calls := w.sim.Calls(); len(calls) != 0 {
		t.Errorf("calls before the answer: %v", calls)
	}
}

// TestForgeries posts what is not genuine: nothing arrives, nothing is called,
// one line is logged, and the answer says nothing.
func TestForgeries(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		forge  feishusim.Forgery
		reason string
	}{
		{"unsigned", feishusim.Forgery{Unsigned: true}, unsigned},
		{"plain and unsigned", feishusim.Forgery{Plain: true, Unsigned: true}, notSealed},
		{"plain, signed", feishusim.Forgery{Plain: true}, notSealed},
		{"wrong signature", feishusim.Forgery{BadSignature: true}, badSignature},
		{"another key", feishusim.Forgery{Key: "old-key"}, badSignature},
		{"wrong token", feishusim.Forgery{Token: "guess"}, wrongToken},
		{"another app", feishusim.Forgery{AppID: "cli_other"}, wrongApp},
		{"another tenant", feishusim.Forgery{TenantKey: "tenant_other"}, wrongTenant},
		{"stale", feishusim.Forgery{Age: 5*time.Minute + time.Second}, staleTime},
		{"a year old", feishusim.Forgery{Age: 365 * 24 * time.Hour}, staleTime},
		{"of the future", feishusim.Forgery{Age: -5*time.Minute - time.Second}, staleTime},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, func(_ *feishusim.Options, o *Options) { o.TenantKey = "tenant_sim" })
			a := w.post(t, w.say(t, feishusim.Words{Text: "@点名 批准 7K3MQ2 删除=3"}), tt.forge)
			if a.Status != http.StatusUnauthorized || len(a.Body) != 0 {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			if n := len(w.inbox.all()); n != 0 {
				t.Errorf("%d messages arrived", n)
			}
			if got := w.Refused(); len(got) != 1 || got[tt.reason] != 1 {
				t.Errorf("refused: %v", got)
			}
			if w.log.count() != 1 || !strings.Contains(w.log.text(), `"reason":"`+tt.reason+`"`) || strings.Contains(w.log.text(), "7K3MQ2") {
				t.Errorf("log: %s", w.log.text())
			}
			noSecrets(t, w.log.text())
			if calls := w.sim.Calls(); len(calls) != 0 {
				t.Errorf("calls: %v", calls)
			}
		})
	}
}

func TestWindowIncludesItsEnds(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	for _, age := range []time.Duration{5 * time.Minute, -5 * time.Minute, 0} {
		if a := w.post(t, w.say(t, feishusim.Words{Text: "@点名 帮助"}), feishusim.Forgery{Age: age}); a.Status != http.StatusOK {
			t.Errorf("%v: %d", age, a.Status)
		}
	}
	if n := len(w.inbox.all()); n != 3 {
		t.Errorf("%d messages", n)
	}
}

// TestP10_AWrongClockIsNamedInTheLog: the message came when it was signed; the log says
// how far the clock is off, and it works again when it is right.
func TestP10_AWrongClockIsNamedInTheLog(t *testing.T) {
	t.Parallel()
	for skew, want := range map[time.Duration]string{time.Hour: "1h0m0s", -time.Hour: "-1h0m0s"} {
		w := setup(t, nil)
		if a := w.post(t, w.say(t, feishusim.Words{Text: "@点名 帮助"}), feishusim.Forgery{Age: skew}); a.Status != http.StatusUnauthorized {
			t.Errorf("%v: %d", skew, a.Status)
		}
		if !strings.Contains(w.log.text(), `"clock_skew":"`+want+`"`) {
			t.Errorf("log: %s", w.log.text())
		}
		if a := w.post(t, w.say(t, feishusim.Words{Text: "@点名 帮助"}), feishusim.Forgery{}); a.Status != http.StatusOK || len(w.inbox.all()) != 1 {
			t.Errorf("afterwards: %d", a.Status)
		}
	}
}

func TestReplayAfterTheWindow(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	a := w.post(t, w.say(t, feishusim.Words{Text: "@点名 帮助"}), feishusim.Forgery{})
	w.clock.add(5*time.Minute + time.Second)
	again, err := w.sim.Resend(t.Context(), w.target, a.Sent)
	if err != nil || again.Status != http.StatusUnauthorized || len(w.inbox.all()) != 1 {
		t.Errorf("%d, %v, %d messages", again.Status, err, len(w.inbox.all()))
	}
}

func TestAnOldButGenuineMessageIsHandedOn(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	old := w.clock.now().Add(-6 * time.Hour)
	if a := w.post(t, w.say(t, feishusim.Words{Text: "@点名 同步 hr", At: old}), feishusim.Forgery{}); a.Status != http.StatusOK {
		t.Fatalf("%d", a.Status)
	}
	if got := w.inbox.all(); len(got) != 1 || !got[0].At.Equal(old) {
		t.Errorf("%+v", got)
	}
}

func TestTheFirstTenantIsPinned(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	e := w.say(t, feishusim.Words{Text: "@点名 帮助"})
	w.post(t, e, feishusim.Forgery{TenantKey: "tenant_x", Token: "wrong"}) // not genuine: pins nothing
	if a := w.post(t, e, feishusim.Forgery{}); a.Status != http.StatusOK {
		t.Fatalf("%d", a.Status)
	}
	if a := w.post(t, e, feishusim.Forgery{TenantKey: "tenant_x"}); a.Status != http.StatusUnauthorized {
		t.Errorf("%d", a.Status)
	}
}

// request makes a signed request around a body.
func (w *world) request(t testing.TB, body []byte) *http.Request {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
	stamp := strconv.FormatInt(w.clock.now().Unix(), 10)
	r.Header.Set("X-Lark-Request-Timestamp", stamp)
	r.Header.Set("X-Lark-Request-Nonce", "n")
	r.Header.Set("X-Lark-Signature", w.seal.sign(stamp, "n", body))
	return r
}

func (w *world) serveRaw(r *http.Request) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	w.Handler(w.inbox.receive).ServeHTTP(out, r)
	return out
}

func TestSignatureVariants(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	body := []byte(`{"encrypt":"` + seal(t, encryptKey, []byte(`{"type":"url_verification","token":"`+verifyWord+`","challenge":"c"}`)) + `"}`)
	for name, change := range map[string]func(*http.Request){
		"no signature": func(r *http.Request) { r.Header.Del("X-Lark-Signature") },
		"no time":      func(r *http.Request) { r.Header.Del("X-Lark-Request-Timestamp") },
		"empty":        func(r *http.Request) { r.Header.Set("X-Lark-Signature", "") },
		"upper case": func(r *http.Request) {
			r.Header.Set("X-Lark-Signature", strings.ToUpper(r.Header.Get("X-Lark-Signature")))
		},
		"two": func(r *http.Request) { r.Header.Add("X-Lark-Signature", r.Header.Get("X-Lark-Signature")) },
		"one more byte": func(r *http.Request) {
			r.Body = io.NopCloser(bytes.NewReader(append(bytes.Clone(body), ' ')))
		},
		"time in words": func(r *http.Request) {
			r.Header.Set("X-Lark-Request-Timestamp", "now")
			r.Header.Set("X-Lark-Signature", w.seal.sign("now", "n", body))
		},
	} {
		r := w.request(t, body)
		change(r)
		if out := w.serveRaw(r); out.Code != http.StatusUnauthorized || out.Body.Len() != 0 {
			t.Errorf("%s: %d %s", name, out.Code, out.Body)
		}
	}
	if out := w.serveRaw(w.request(t, body)); out.Code != http.StatusOK {
		t.Errorf("the genuine one: %d", out.Code)
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	e, word := w.sim.Challenge()
	for name, f := range map[string]feishusim.Forgery{"signed": {}, "unsigned": {Unsigned: true}} {
		a := w.post(t, e, f)
		if a.Status != http.StatusOK || string(a.Body) != `{"challenge":"`+word+`"}` {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if a := w.post(t, e, feishusim.Forgery{Token: "guess"}); a.Status != http.StatusUnauthorized {
		t.Errorf("wrong token: %d", a.Status)
	}
	if a := w.post(t, e, feishusim.Forgery{Plain: true, Unsigned: true}); a.Status != http.StatusUnauthorized {
		t.Errorf("plain: %d", a.Status)
	}
	// What is echoed cannot become JSON of its own, and has a limit.
	nasty := `a","x":"<script>`
	for challenge, want := range map[string]int{nasty: 200, strings.Repeat("好", 256): 200, strings.Repeat("好", 257): 400, "": 400} {
		raw, err := json.Marshal(map[string]string{"type": "url_verification", "token": verifyWord, "challenge": challenge})
		if err != nil {
			t.Fatal(err)
		}
		out := w.serveRaw(w.request(t, []byte(`{"encrypt":"`+seal(t, encryptKey, raw)+`"}`)))
		if out.Code != want {
			t.Errorf("%.20q: %d", challenge, out.Code)
		}
		var back map[string]string
		if want == 200 && (json.Unmarshal(out.Body.Bytes(), &back) != nil || len(back) != 1 || back["challenge"] != challenge) {
			t.Errorf("%.20q: %s", challenge, out.Body)
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	n := int64(0)
	for name, body := range bombs() {
		if len(body) > bodyLimit/2 {
			body = body[:bodyLimit/2]
		}
		if out := w.serveRaw(w.request(t, []byte(body))); out.Code != http.StatusBadRequest {
			t.Errorf("%s outside: %d", name, out.Code)
		}
		sealed := []byte(`{"encrypt":"` + seal(t, encryptKey, []byte(body)) + `"}`)
		if out := w.serveRaw(w.request(t, sealed)); out.Code != http.StatusBadRequest {
			t.Errorf("%s inside: %d", name, out.Code)
		}
		n += 2
	}
	if w.Refused()[badShape] != n || len(w.inbox.all()) != 0 {
		t.Errorf("%v, %d messages", w.Refused(), len(w.inbox.all()))
	}
}

// endless is a body without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return len(p), nil
}

func TestLargeBodies(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	body := &endless{}
	if out := w.serveRaw(httptest.NewRequest(http.MethodPost, "/", body)); out.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("endless: %d", out.Code)
	}
	if body.read > 4*bodyLimit {
		t.Errorf("%d bytes were read", body.read)
	}
	for size, want := range map[int]int{bodyLimit: http.StatusBadRequest, bodyLimit + 1: http.StatusRequestEntityTooLarge} {
		if out := w.serveRaw(w.request(t, bytes.Repeat([]byte("x"), size))); out.Code != want {
			t.Errorf("%d: %d", size, out.Code)
		}
	}
	if out := w.serveRaw(httptest.NewRequest(http.MethodGet, "/", nil)); out.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", out.Code)
	}
	if w.log.count() != 4 || w.Refused()[tooLarge] != 2 {
		t.Errorf("%v: %s", w.Refused(), w.log.text())
	}
}

func TestWhatIsNotClaimedComesAgain(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.inbox.setFail(errStore)
	e := w.say(t, feishusim.Words{Text: "@点名 帮助"})
	if a := w.post(t, e, feishusim.Forgery{}); a.Status != http.StatusServiceUnavailable || len(a.Body) != 0 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	w.inbox.setFail(nil)
	if a := w.post(t, e, feishusim.Forgery{}); a.Status != http.StatusOK || len(w.inbox.all()) != 1 {
		t.Errorf("%d, %d messages", a.Status, len(w.inbox.all()))
	}
}

func TestOtherEventsAreAcceptedAndLeftAlone(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	for _, kind := range []string{"contact.user.updated_v3", "im.message.message_read_v1", "never.heard_of"} {
		if a := w.post(t, w.sim.NewEvent(kind, map[string]any{"x": 1}), feishusim.Forgery{}); a.Status != http.StatusOK {
			t.Errorf("%s: %d", kind, a.Status)
		}
	}
	old := fmt.Sprintf(`{"uuid":"u","token":%q,"ts":"1","type":"event_callback","event":{"type":"message"}}`, verifyWord)
	if out := w.serveRaw(w.request(t, []byte(`{"encrypt":"`+seal(t, encryptKey, []byte(old))+`"}`))); out.Code != http.StatusOK {
		t.Errorf("old schema: %d", out.Code)
	}
	if n := len(w.inbox.all()); n != 0 || len(w.Refused()) != 0 {
		t.Errorf("%d messages, refused %v", n, w.Refused())
	}
}

func TestNewWantsKeysForCallbacks(t *testing.T) {
	t.Parallel()
	_, err := New(Options{AppID: "a"})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("%v", err)
	}
	for _, word := range []string{"encrypt_key", "verification_token", "clock", "token source"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not name %s", err, word)
		}
	}
	o := Options{AppID: "a", EncryptKey: encryptKey, VerificationToken: verifyWord}
	noSecrets(t, fmt.Sprintf("%v %+v %#v %s", o, o, o, o))
}

func BenchmarkCallback(b *testing.B) {
	w := &world{clock: newClock(), inbox: &inbox{}}
	o := Options{AppID: "cli_sim", EncryptKey: encryptKey, VerificationToken: verifyWord, Now: w.clock.now, BotOpenID: "ou_bot"}
	o.setDefaults()
	w.Bot = &Bot{o: o, seal: newSealer(encryptKey), refused: map[string]int64{}}
	w.self.init("ou_bot")
	event := `{"schema":"2.0","header":{"event_id":"e","event_type":"never.heard_of","create_time":"1608725989000","token":"` + verifyWord +
		`","app_id":"cli_sim","tenant_key":"t"},"event":{"message":{"content":"` + strings.Repeat("x", 600) + `"}}}`
	good := []byte(`{"encrypt":"` + seal(b, encryptKey, []byte(event)) + `"}`)
	for name, sig := range map[string]bool{"genuine": true, "forged": false} {
		b.Run(name, func(b *testing.B) {
			h := w.Handler(w.inbox.receive)
			for b.Loop() {
				r := w.request(b, good)
				if !sig {
					r.Header.Set("X-Lark-Signature", strings.Repeat("0", 64))
				}
				out := httptest.NewRecorder()
				h.ServeHTTP(out, r)
				if (out.Code == http.StatusOK) != sig {
					b.Fatal(out.Code)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}
