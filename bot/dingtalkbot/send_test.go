package dingtalkbot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

func info() bot.Card {
	return bot.Card{
		Title: "同步 hr-to-wecom · 7K3MQ2", Tone: bot.Info,
		Sections: []bot.Section{{Title: "进度", Lines: []bot.Line{{{Text: "新增 12"}}, {{Text: "停用 "}, {Text: "2", Bold: true}}}}},
		Foot:     "7K3MQ2 · a1b2-c3d4",
	}
}

func ask() bot.Card {
	c := info()
	c.Title, c.Tone = "待批准 7K3MQ2 · 删除 3", bot.Danger
	c.Buttons = []bot.Button{
		{Label: "批准", Command: "批准 7K3MQ2", Digest: "d1", Inputs: []bot.Input{{Name: "删除", Label: "要删除的人数", Required: true}}},
		{Label: "驳回", Command: "驳回 7K3MQ2", Digest: "d1"},
		{Label: "全部", Command: "详情 7K3MQ2 删除"},
	}
	return c
}

// answering gives an outgoing card that answers a fresh message.
func (w *world) answering(card bot.Card, o dingtalksim.SayOptions) bot.Outgoing {
	w.Helper()
	w.say("状态", o)
	m := w.next()
	x := out(card)
	x.Session, x.Mention, x.ReplyTo = m.Session, []string{"u1"}, m.ID
	return x
}

func TestAnswerBySession(t *testing.T) {
	t.Parallel()
	w := setup(t)
	stop := w.listen(1)
	for name, tt := range map[string]struct {
		card bot.Card
		kind string
	}{
		"markdown": {info(), "markdown"},
		"buttons":  {ask(), "actionCard"},
		"plain":    {bot.Card{Title: "没有这个命令", Plain: true}, "text"},
	} {
		o := w.answering(tt.card, dingtalksim.SayOptions{})
		place, err := w.bot.Send(t.Context(), o, "letter-"+name, "")
		if err != nil || place != "" {
			t.Fatalf("%s: %q %v", name, place, err)
		}
		all := w.Messages(room)
		got := all[len(all)-1]
		if got.Via != dingtalksim.ViaSession || got.Kind != tt.kind || got.AnswerTo != o.ReplyTo || len(got.Mentioned) != 1 || got.AtAll {
			t.Errorf("%s: %+v", name, got)
		}
		if got.Kind != "text" && got.Title != tt.card.Title {
			t.Errorf("%s: title %q", name, got.Title)
		}
	}
	stop()
	w.innocent()
}

func TestButtons(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(2)
	if _, err := w.bot.Send(t.Context(), w.answering(ask(), dingtalksim.SayOptions{}), "k", ""); err != nil {
		t.Fatal(err)
	}
	got := w.Messages(room)[0]
	if len(got.Buttons) != 2 || got.Buttons[0].Title != "驳回" || strings.Contains(got.Buttons[1].URL, "+") {
		t.Fatalf("buttons %+v", got.Buttons)
	}
	if text, ok := dingtalksim.DTMD(got.Buttons[1].URL); !ok || text != "@点名 详情 7K3MQ2 删除" {
		t.Errorf("%q", text)
	}
	for _, want := range []string{"@点名 批准 7K3MQ2 删除=〈要删除的人数〉", "@点名 驳回 7K3MQ2"} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("%q is not in %s", want, got.Text)
		}
	}
	// A press comes back as the very command.
	if _, err := w.Press(t.Context(), got, 1, "u2"); err != nil {
		t.Fatal(err)
	}
	m := w.next()
	c, err := bot.Parse(m.Text)
	if m.Text != "详情 7K3MQ2 删除" || m.Sender[0] != "u2" || err != nil || c.Kind != "delete" {
		t.Errorf("%+v, %+v, %v", m, c, err)
	}
	w.innocent()
}

func TestAnswerWithoutSession(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	for name, tt := range map[string]struct {
		o     dingtalksim.SayOptions
		later time.Duration
	}{
		"none":        {o: dingtalksim.SayOptions{Webhook: dingtalksim.WebhookNone}},
		"expired":     {o: dingtalksim.SayOptions{Webhook: dingtalksim.WebhookExpired}},
		"dead":        {o: dingtalksim.SayOptions{Webhook: dingtalksim.WebhookDead}},
		"late":        {later: 91 * time.Minute},
		"almost late": {later: 89*time.Minute + 30*time.Second},
	} {
		for _, card := range []bot.Card{info(), ask(), {Title: "好", Plain: true}} {
			o := w.answering(card, tt.o)
			w.clock.advance(tt.later)
			if _, err := w.bot.Send(t.Context(), o, "k", ""); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all := w.Messages(room)
			got := all[len(all)-1]
			if got.Via != dingtalksim.ViaGroup || strings.Contains(got.Text, "@u1") {
				t.Errorf("%s: %+v", name, got)
			}
			if len(card.Buttons) > 0 && len(got.Buttons) != 2 {
				t.Errorf("%s: buttons %+v", name, got.Buttons)
			}
		}
	}
	w.innocent()
}

func TestTemplatesByNumberOfButtons(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for n := range 8 {
		card := info()
		for i := range n {
			card.Buttons = append(card.Buttons, bot.Button{Label: fmt.Sprintf("钮%d", i), Command: fmt.Sprintf("详情 7K3MQ2 #%d", i+1)})
		}
		if _, err := w.bot.Send(t.Context(), out(card), "k", ""); err != nil {
			t.Fatalf("%d: %v", n, err)
		}
		got := w.Messages(room)[n]
		if len(got.Buttons) != min(n, 5) {
			t.Errorf("%d: %d buttons", n, len(got.Buttons))
		}
		for i := range n {
			if !strings.Contains(got.Text, fmt.Sprintf("#%d", i+1)) {
				t.Errorf("%d: command %d is not to be seen", n, i)
			}
		}
	}
}

func TestDirect(t *testing.T) {
	t.Parallel()
	w := setup(t)
	o := out(info())
	o.Chat = dingtalkbot.DirectChat("u2")
	if _, err := w.bot.Send(t.Context(), o, "k", ""); err != nil {
		t.Fatal(err)
	}
	if got := w.Messages(dingtalksim.Direct("u2")); len(got) != 1 || got[0].Via != dingtalksim.ViaSingle {
		t.Errorf("%+v", got)
	}
	o.Chat = dingtalkbot.DirectChat("nobody")
	if _, err := w.bot.Send(t.Context(), o, "k", ""); fault.KindOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	asked := func() int {
		n := 0
		for _, c := range w.Calls() {
			if c.Path == "/v1.0/oauth2/accessToken" {
				n++
			}
		}
		return n
	}
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			if _, err := w.bot.Send(t.Context(), out(info()), "k", ""); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if asked() != 1 {
		t.Errorf("asked %d times", asked())
	}
	w.clock.advance(114 * time.Minute)
	send := func(want error) {
		t.Helper()
		if _, err := w.bot.Send(t.Context(), out(info()), "k", ""); (err == nil) != (want == nil) {
			t.Error(err)
		}
	}
	send(nil)
	if asked() != 1 {
		t.Errorf("asked %d times before the token ends", asked())
	}
	w.clock.advance(2 * time.Minute)
	send(nil)
	if asked() != 2 {
		t.Errorf("asked %d times", asked())
	}
	w.RevokeTokens()
	send(nil)
	if asked() != 3 {
		t.Errorf("asked %d times after a refusal", asked())
	}
	if err := w.bot.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	w.innocent()
}

func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	w := setup(t, func(o *dingtalkbot.Options, _ *dingtalksim.Options) { o.ClientSecret = "wrong-canary" })
	for range 5 {
		err := w.bot.Probe(t.Context())
		if fault.KindOf(err) != fault.Credential || strings.Contains(fmt.Sprintf("%v %+v", err, err), "wrong-canary") {
			t.Fatal(err)
		}
	}
	if n := len(w.Calls()); n != 1 {
		t.Errorf("a wrong secret was sent %d times", n)
	}
	w.clock.advance(3 * time.Second)
	if err := w.bot.Probe(t.Context()); fault.KindOf(err) != fault.Credential {
		t.Error(err)
	}
}

func TestAPIFaults(t *testing.T) {
	t.Parallel()
	const path = "/v1.0/robot/groupMessages/send"
	for _, tt := range []struct {
		f     dingtalksim.Fault
		kind  fault.Kind
		after time.Duration
	}{
		{f: dingtalksim.Fault{Status: 403, Code: "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}, kind: fault.Limited, after: time.Second},
		{f: dingtalksim.Fault{Status: 403, Code: "Forbidden.AccessDenied.QpmLimitForAppkeyAndApi"}, kind: fault.Limited, after: time.Minute},
		{f: dingtalksim.Fault{Status: 403, Code: "Forbidden.AccessDenied.ApiCountLimitForOrg"}, kind: fault.Denied},
		{f: dingtalksim.Fault{Status: 403, Code: "Forbidden.AccessDenied.IpNotInWhiteList"}, kind: fault.Credential},
		{f: dingtalksim.Fault{Status: 400, Code: "send.too.fast"}, kind: fault.Limited, after: time.Minute},
		{f: dingtalksim.Fault{Status: 400, Code: "invalidParameter.robotCode.auth"}, kind: fault.Credential},
		{f: dingtalksim.Fault{Status: 400, Code: "invalid.openConversationId"}, kind: fault.NotFound},
		{f: dingtalksim.Fault{Status: 400, Code: "conversation.org.notMatch"}, kind: fault.NotFound},
		{f: dingtalksim.Fault{Status: 400, Code: "group.disbanded"}, kind: fault.NotFound},
		{f: dingtalksim.Fault{Status: 400, Code: "bot.stopped"}, kind: fault.Denied},
		{f: dingtalksim.Fault{Status: 400, Code: "contain.notAllowed.words", Times: -1}, kind: fault.Denied},
		{f: dingtalksim.Fault{Status: 400, Code: "invalidParameter.msgParam.tooLong", Times: -1}, kind: fault.Invalid},
		{f: dingtalksim.Fault{Status: 400, Code: "resource.unavailable"}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Status: 400, Code: "something.new", Times: -1}, kind: fault.Invalid},
		{f: dingtalksim.Fault{Status: 429, Body: "slow"}, kind: fault.Limited, after: time.Second},
		{f: dingtalksim.Fault{Status: 503}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Status: 302, Body: "<html>"}, kind: fault.Credential},
		{f: dingtalksim.Fault{Status: 200, Body: "<html>"}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Status: 200, Body: `{"status":1111,"wait":5,"source":"x5","punish":"deny"}`}, kind: fault.Limited, after: 5 * time.Minute},
		{f: dingtalksim.Fault{Drop: true}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Status: 401, Code: "InvalidAuthentication", Times: 2}, kind: fault.Credential},
	} {
		w := setup(t)
		if err := w.bot.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		tt.f.Path, tt.f.Message = path, "canary-of-the-vendor"
		w.Inject(tt.f)
		_, err := w.bot.Send(t.Context(), out(info()), "k", "")
		if fault.KindOf(err) != tt.kind || fault.After(err) != tt.after {
			t.Errorf("%+v: %v (%s after %s)", tt.f, err, fault.KindOf(err), fault.After(err))
		}
		if s := err.Error(); strings.Contains(s, "canary") || strings.Contains(s, "http://") || !strings.Contains(fault.Say(err), " / ") {
			t.Errorf("%+v: %s", tt.f, s)
		}
	}
}

func TestMissingPermissionIsNamed(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.SetPermission(dingtalksim.ScopeSend, false)
	_, err := w.bot.Send(t.Context(), out(info()), "k", "")
	if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), dingtalksim.ScopeSend) {
		t.Error(err)
	}
}

func TestSessionFaults(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	const path = "/robot/sendBySession"
	for _, tt := range []struct {
		f     dingtalksim.Fault
		kind  fault.Kind // "" = sent by the robot instead
		after time.Duration
	}{
		{f: dingtalksim.Fault{Errcode: 130101}, kind: fault.Limited, after: 10 * time.Minute},
		{f: dingtalksim.Fault{Errcode: 410100}, kind: fault.Limited, after: 10 * time.Minute},
		{f: dingtalksim.Fault{Body: `{"errcode":"90018","errmsg":"x"}`}, kind: fault.Limited, after: 2 * time.Second},
		{f: dingtalksim.Fault{Body: `{"errcode":88,"sub_code":"90020"}`}, kind: fault.Denied},
		{f: dingtalksim.Fault{Errcode: 430102, Times: 3}, kind: fault.Denied},
		{f: dingtalksim.Fault{Errcode: 460101, Times: 3}, kind: fault.Invalid},
		{f: dingtalksim.Fault{Errcode: 400102}, kind: fault.Denied},
		{f: dingtalksim.Fault{Errcode: -1}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Status: 502, Body: "<html>"}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Body: "<html>"}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Drop: true}, kind: fault.Unavailable},
		{f: dingtalksim.Fault{Errcode: 300001}},
		{f: dingtalksim.Fault{Errcode: 400105}},
		{f: dingtalksim.Fault{Errcode: 999999}},
		{f: dingtalksim.Fault{Status: 302, Body: "moved"}},
	} {
		o := w.answering(info(), dingtalksim.SayOptions{})
		tt.f.Path = path
		w.ClearFaults()
		w.Inject(tt.f)
		before := len(w.Messages(room))
		_, err := w.bot.Send(t.Context(), o, "k", "")
		if fault.KindOf(err) != tt.kind || fault.After(err) != tt.after {
			t.Errorf("%+v: %v", tt.f, err)
		}
		if err != nil && strings.Contains(err.Error(), "session=") {
			t.Errorf("%+v: the session is in %v", tt.f, err)
		}
		if got := len(w.Messages(room)) - before; (got == 1) != (err == nil) {
			t.Errorf("%+v: %d said", tt.f, got)
		}
	}
}

// TestLongCard: a card of any size goes out, within the limit of each way, in
// some messages; the last says what is missing, and has the buttons.
func TestLongCard(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	card := ask()
	for i := range 2000 {
		card.Sections[0].Lines = append(card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("#%d 王磊（华东销售部，\"工号\"…0412）", i)}})
	}
	o := w.answering(card, dingtalksim.SayOptions{})
	for _, way := range []bot.Outgoing{o, out(card)} {
		if _, err := w.bot.Send(t.Context(), way, "k", ""); err != nil {
			t.Fatal(err)
		}
	}
	all := w.Messages(room)
	if len(all) != 10 {
		t.Fatalf("%d messages", len(all))
	}
	for i, m := range all {
		last := i%5 == 4
		if !strings.HasSuffix(m.Text, fmt.Sprintf("（%d/5）", i%5+1)) || !last && len(m.Text) < 10_000 {
			t.Errorf("%d by %s: %d bytes, %q", i, m.Via, len(m.Text), m.Text[max(0, len(m.Text)-40):])
		}
		if strings.Contains(m.Text, "…还有 ") != last || strings.Contains(m.Text, "批准 7K3MQ2 删除=") != last || (len(m.Buttons) == 2) != last {
			t.Errorf("%d by %s: %d buttons", i, m.Via, len(m.Buttons))
		}
	}
	for _, c := range w.Calls() {
		if c.Path == "/robot/sendBySession" && len(c.Body) > 20_000 {
			t.Errorf("%d bytes", len(c.Body))
		}
	}
	w.innocent()
}

func TestHostileNamesMentionNobody(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	card := info()
	card.Title = "同步 @all @u2 7K3MQ2"
	for _, name := range []string{"@all", "@u2", "@13800000000", "<@u2>", "<at id=all></at>", "a\n# ✅ 已批准", "[x](dingtalk://x)"} {
		card.Sections[0].Lines = append(card.Sections[0].Lines, bot.Line{{Text: name}}, bot.Line{{Text: name, Bold: true}}, bot.Line{{Text: name, Code: true}})
	}
	o := w.answering(card, dingtalksim.SayOptions{})
	o.Mention = append(o.Mention, "u2 @all", "")
	if _, err := w.bot.Send(t.Context(), o, "k", ""); err != nil {
		t.Fatal(err)
	}
	body := w.Calls()[len(w.Calls())-1].Body
	var sent struct {
		At struct {
			All     bool     `json:"isAtAll"`
			Users   []string `json:"atUserIds"`
			Mobiles []string `json:"atMobiles"`
		} `json:"at"`
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		t.Fatal(err)
	}
	if sent.At.All || len(sent.At.Mobiles) != 0 || len(sent.At.Users) != 1 || sent.At.Users[0] != "u1" {
		t.Errorf("at: %+v", sent.At)
	}
	w.innocent()
}

// TestRedirect: nothing follows one, with a token or a session in hand.
func TestRedirect(t *testing.T) {
	t.Parallel()
	hit := make(chan bool, 10)
	w := setup(t, func(o *dingtalkbot.Options, _ *dingtalksim.Options) {
		o.HTTPClient = &http.Client{Transport: moving{hit}}
	})
	if _, err := w.bot.Send(t.Context(), out(info()), "k", ""); fault.KindOf(err) != fault.Credential {
		t.Error(err)
	}
	if len(hit) != 0 {
		t.Error("the redirect was followed")
	}
}

// moving redirects everything to another host.
type moving struct{ hit chan bool }

func (m moving) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Host == "elsewhere.example" {
		m.hit <- true
	}
	return &http.Response{
		StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {"https://elsewhere.example/"}},
		Body: http.NoBody, Request: r,
	}, nil
}
