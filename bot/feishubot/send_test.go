package feishubot

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

const imPath = "/open-apis/im/v1/messages"

func (w *world) asked(t *testing.T) string {
	t.Helper()
	return w.say(t, feishusim.Words{Text: "@点名 同步 hr"}).MessageID
}

func (w *world) send(t *testing.T, o bot.Outgoing, idem, place string) string {
	t.Helper()
	got, err := w.Send(t.Context(), o, idem, place)
	if err != nil {
		t.Fatalf("send %s: %v", idem, err)
	}
	return got
}

// last gives the newest message of the chat.
func (w *world) last(t *testing.T) feishusim.Message {
	t.Helper()
	all := w.sim.Messages(w.chat)
	if len(all) == 0 {
		t.Fatal("no message")
	}
	return all[len(all)-1]
}

func TestACardRepliesInTheThreadAndIsEdited(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	o := approval(w.chat)
	o.ReplyTo = w.asked(t)
	place := w.send(t, o, "k1", "")
	m := w.last(t)
	if m.ID != place || m.Type != "interactive" || m.ThreadID == "" || m.ParentID != o.ReplyTo || m.UUID != "k1" {
		t.Fatalf("%+v", m)
	}
	// Sent again with the same key: nothing new, the same place.
	if again := w.send(t, o, "k1", ""); again != place || len(w.sim.Messages(w.chat)) != 2 {
		t.Errorf("%s, %d messages", again, len(w.sim.Messages(w.chat)))
	}
	o.Card.Title, o.Card.Tone, o.Card.Buttons = "已批准 7K3MQ2", bot.Good, nil
	if again := w.send(t, o, "k2", place); again != place {
		t.Errorf("the place moved to %s", again)
	}
	if m = w.last(t); m.Edits != 1 || !strings.Contains(m.Content, `"template":"green"`) || strings.Contains(m.Content, `"button"`) {
		t.Errorf("%+v", m)
	}
}

func TestEveryGoldenIsTaken(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	for name, o := range goldens() {
		o.Chat, o.Mention = w.chat, []string{w.zhou}
		place := w.send(t, o, name, "")
		if m, _ := w.sim.Message(place); m.Type != "interactive" {
			t.Errorf("%s became %s at %s: %s", name, m.Type, place, w.log.text())
		}
	}
	for i, s := range hostile() {
		if len(s) > 1000 {
			continue // as a command it is larger than a card: see TestSizes
		}
		o := inject(s)
		o.Chat, o.Mention = w.chat, nil
		place := w.send(t, o, "h"+strings.Repeat("x", i), "")
		if m, _ := w.sim.Message(place); m.Type != "interactive" {
			t.Errorf("%.30q is refused as a card: %s", s, w.log.text())
		}
	}
}

func TestAShortAnswerIsText(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	o := bot.Outgoing{
		Chat: w.chat, Lang: bot.ZH, Mention: []string{w.limin, "all"},
		Card: bot.Card{Plain: true, Title: "没有「预研」这个命令", Sections: []bot.Section{{Lines: []bot.Line{line("是不是：预演 hr <at user_id=\"all\">x</at>")}}}},
	}
	o.ReplyTo = w.asked(t)
	place := w.send(t, o, "k1", "")
	m := w.last(t)
	if m.Type != "text" || place != "text:"+m.ID || len(m.Mentions) != 1 || m.Mentions[0].OpenID != w.limin || m.ThreadID == "" {
		t.Fatalf("%s %+v", place, m)
	}
	if !strings.HasPrefix(m.Text(), "@李敏 没有「预研」这个命令\n是不是") {
		t.Errorf("%q", m.Text())
	}
	o.Card.Title = "换一句"
	if again := w.send(t, o, "k2", place); again != place || !strings.Contains(w.last(t).Text(), "换一句") || w.last(t).Edits != 1 {
		t.Errorf("%s %+v", again, w.last(t))
	}
}

func TestWhereThereAreNoThreads(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	o := approval(w.chat)
	o.ReplyTo = w.asked(t)
	if err := w.sim.UpdateChat(w.chat, func(c *feishusim.Chat) { c.NoThreads = true }); err != nil {
		t.Fatal(err)
	}
	w.send(t, o, "k1", "")
	if m := w.last(t); m.ParentID != o.ReplyTo || m.ThreadID != "" || m.Type != "interactive" {
		t.Errorf("%+v", m)
	}
}

func TestWhatItAnswersIsGone(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	o := approval(w.chat)
	o.ReplyTo = "om_never"
	w.send(t, o, "k1", "")
	if m := w.last(t); m.ParentID != "" || m.Type != "interactive" {
		t.Errorf("%+v", m)
	}
}

func TestACardThatIsRefusedIsSaidInWords(t *testing.T) {
	t.Parallel()
	for _, code := range []int{230099, 300305, 11310, 230025, 230001, 987654} {
		w := setup(t, nil)
		w.sim.Inject(feishusim.Fault{Path: imPath, Code: code, Msg: "ErrCode: 11310"})
		place := w.send(t, approval(w.chat), "k1", "")
		m := w.last(t)
		if m.Type != "post" || place != "post:"+m.ID || !strings.Contains(m.Content, "批准，请发：批准 7K3MQ2 删除=") {
			t.Errorf("%d: %s %+v", code, place, m)
		}
		if !strings.Contains(w.log.text(), "lesser form") {
			t.Errorf("%d: %s", code, w.log.text())
		}
		w.sim.Inject(feishusim.Fault{Path: imPath, Code: code, Times: 2})
		if place = w.send(t, approval(w.chat), "k2", ""); !strings.HasPrefix(place, "text:") {
			t.Errorf("%d twice: %s", code, place)
		}
	}
}

func TestCensoredWordsLeaveTheTitle(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.sim.Inject(feishusim.Fault{Path: imPath, Code: 230028})
	place := w.send(t, approval(w.chat), "k1", "")
	m := w.last(t)
	if !strings.HasPrefix(place, "text:") || strings.Contains(m.Content, "人事库") || !strings.Contains(m.Content, "待批准 7K3MQ2") || w.sim.Calls()["message.send"] != 2 {
		t.Errorf("%s %+v %v", place, m, w.sim.Calls())
	}
}

func TestEditsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world, string){
		"recalled":    func(w *world, _ string) { w.sim.Inject(feishusim.Fault{Method: "PATCH", Code: 230011}) },
		"deleted":     func(w *world, _ string) { w.sim.Inject(feishusim.Fault{Method: "PATCH", Code: 230110}) },
		"too old":     func(w *world, _ string) { w.clock.add(15 * 24 * time.Hour) },
		"not a card":  func(w *world, _ string) { w.sim.Inject(feishusim.Fault{Method: "PATCH", Code: 230001}) },
		"card failed": func(w *world, _ string) { w.sim.Inject(feishusim.Fault{Method: "PATCH", Code: 230099}) },
	} {
		w := setup(t, nil)
		place := w.send(t, approval(w.chat), "k1", "")
		spoil(w, place)
		again := w.send(t, approval(w.chat), "k2", place)
		if again == place || len(w.sim.Messages(w.chat)) != 2 || w.last(t).ID != again {
			t.Errorf("%s: %s, %d messages", name, again, len(w.sim.Messages(w.chat)))
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault feishusim.Fault
		kind  fault.Kind
		after time.Duration
	}{
		{"chat rate", feishusim.Fault{Code: 230020}, fault.Limited, time.Second},
		{"gateway rate", feishusim.Fault{Code: 99991400, Header: http.Header{"X-Ogw-Ratelimit-Reset": {"7"}}}, fault.Limited, 7 * time.Second},
		{"plain 429", feishusim.Fault{Status: 429, Body: "slow"}, fault.Limited, time.Second},
		{"unknown code with 429", feishusim.Fault{Status: 429, Code: 424242}, fault.Limited, time.Second},
		{"endless wait", feishusim.Fault{Code: 99991400, Header: http.Header{"X-Ogw-Ratelimit-Reset": {"999999"}}}, fault.Limited, time.Minute},
		{"being sent", feishusim.Fault{Code: 230049}, fault.Unavailable, 0},
		{"bot not in group", feishusim.Fault{Code: 230002}, fault.Denied, 0},
		{"muted", feishusim.Fault{Code: 230035}, fault.Denied, 0},
		{"dissolved", feishusim.Fault{Code: 232009}, fault.NotFound, 0},
		{"no permission", feishusim.Fault{Code: 99991672}, fault.Credential, 0},
		{"no bot", feishusim.Fault{Code: 230006}, fault.Credential, 0},
		{"HTML", feishusim.Fault{Status: 502, Body: "<html>"}, fault.Unavailable, 0},
		{"gateway timeout", feishusim.Fault{Status: 504, Body: ""}, fault.Unavailable, 0},
		{"unknown code with 500", feishusim.Fault{Status: 500, Code: 424242}, fault.Unavailable, 0},
		{"somebody else's server", feishusim.Fault{Status: 404, Body: "<html>"}, fault.Credential, 0},
		{"redirect", feishusim.Fault{Status: 302, Body: "x", Header: http.Header{"Location": {"http://127.0.0.1:1/"}}}, fault.Credential, 0},
		{"cut before", feishusim.Fault{Before: true}, fault.Unavailable, 0},
		{"token rejected twice", feishusim.Fault{Code: 99991663, Times: 2}, fault.Credential, 0},
		{"nothing taken", feishusim.Fault{Code: 230099, Times: -1}, fault.Invalid, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, nil)
			tt.fault.Path = imPath
			w.sim.Inject(tt.fault)
			place, err := w.Send(t.Context(), approval(w.chat), "k1", "")
			if fault.KindOf(err) != tt.kind || fault.After(err) != tt.after || place != "" {
				t.Fatalf("%q, %v after %v", place, err, fault.After(err))
			}
			if n := len(w.sim.Messages(w.chat)); n != 0 {
				t.Errorf("%d messages", n)
			}
			noSecrets(t, err.Error()+w.log.text())
			if strings.Contains(err.Error(), "127.0.0.1") && strings.Contains(err.Error(), "/open-apis") {
				t.Errorf("the address is in: %v", err)
			}
			if en, zh := fault.In(fault.Say(err), "en"), fault.In(fault.Say(err), "zh"); en == zh || strings.ContainsAny(en, "飞书的") {
				t.Errorf("languages: %q, %q", en, zh)
			}
		})
	}
}

func TestALostAnswerIsSentAgainSafely(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.sim.Inject(feishusim.Fault{Path: imPath, Drop: true})
	if _, err := w.Send(t.Context(), approval(w.chat), "k1", ""); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("%v", err)
	}
	place := w.send(t, approval(w.chat), "k1", "")
	if all := w.sim.Messages(w.chat); len(all) != 1 || all[0].ID != place {
		t.Errorf("%d messages, place %s", len(all), place)
	}
}

func TestATokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.send(t, approval(w.chat), "k1", "")
	w.sim.RevokeTokens()
	w.send(t, approval(w.chat), "k2", "")
	if n := w.sim.TokensIssued(); n != 2 {
		t.Errorf("%d tokens", n)
	}
}

func TestSendRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	for _, tt := range []struct {
		chat, idem string
		want       fault.Kind
	}{{"", "k", fault.Invalid}, {w.chat, "", fault.Internal}, {w.chat, strings.Repeat("k", 51), fault.Internal}} {
		if _, err := w.Send(t.Context(), bot.Outgoing{Chat: tt.chat}, tt.idem, ""); fault.KindOf(err) != tt.want {
			t.Errorf("%+v: %v", tt, err)
		}
	}
	place := w.send(t, bot.Outgoing{Chat: w.zhou, Card: bot.Card{Title: "私聊"}}, "dm", "")
	if m, ok := w.sim.Message(place); !ok || m.ChatID == w.chat {
		t.Errorf("%s %+v", place, m)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	info, err := w.Probe(t.Context())
	if err != nil || info != (Info{Name: "点名", OpenID: w.sim.BotID(), Active: true}) {
		t.Errorf("%+v, %v", info, err)
	}
	w.sim.DisableApp(true)
	w.sim.RevokeTokens()
	if _, err := w.Probe(t.Context()); fault.KindOf(err) != fault.Credential {
		t.Errorf("%v", err)
	}
	off := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "tenant_access_token") {
			_, _ = rw.Write([]byte(`{"code":0,"tenant_access_token":"t-1","expire":7200}`))
			return
		}
		_, _ = rw.Write([]byte(`{"code":0,"bot":{"open_id":"ou_b","activate_status":1}}`))
	}))
	t.Cleanup(off.Close)
	b, err := New(Options{
		AppID: "a", EncryptKey: encryptKey, VerificationToken: verifyWord, BaseURL: off.URL, Now: w.clock.now,
		Tokens: feishutoken.New(feishutoken.Options{BaseURL: off.URL, AppID: "a", AppSecret: "s", Now: w.clock.now}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := b.Probe(t.Context()); fault.KindOf(err) != fault.Credential || info.Active {
		t.Errorf("%+v, %v", info, err)
	}
}
