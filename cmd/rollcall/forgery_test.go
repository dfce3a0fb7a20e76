package main

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// target is a run that waits for votes, which every forgery is after.
type target struct {
	*service
	code    string
	approve string // the words of the vote that would begin it
	begun   int    // runs in the record so far
}

// openTarget serves with both platforms by callback and a run of 3 deletions
// that waits for a vote.
func openTarget(t *testing.T) *target {
	t.Helper()
	s := openService(t, stage.Options{FeishuCallback: true, DingCallback: true})
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
	r := s.awaitRun(t, "a run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting })
	return &target{service: s, code: string(r.Code), approve: "批准 " + string(r.Code) + " 删除=3", begun: 1}
}

// untouched sees that nothing came of what was posted: no run, no vote, no move,
// no effect. What was heard is answered before.
func (g *target) untouched(t *testing.T) {
	t.Helper()
	g.settled(t)
	all := g.runs(t)
	if len(all) != g.begun {
		t.Errorf("%d runs in the record, want %d: %+v", len(all), g.begun, all)
	}
	r, err := g.app.store.Run(t.Context(), run.Code(g.code))
	if err != nil || r.State != run.Awaiting {
		t.Errorf("the run is %s, %v; want it to wait", r.State, err)
	}
	if votes, err := g.app.store.Votes(t.Context(), run.Code(g.code)); err != nil || len(votes) > 0 {
		t.Errorf("votes %+v, %v; want none", votes, err)
	}
	g.once(t, 0)
}

// refusal does something that must be refused and sees that it leaves exactly
// one line in the log, with the reason.
func (g *target) refusal(t *testing.T, reason string, post func() (status int, body []byte)) {
	t.Helper()
	before := len(g.log.with(" refused\""))
	status, body := post()
	want := http.StatusUnauthorized
	switch reason {
	case "method":
		want = http.StatusMethodNotAllowed
	case "too_large":
		want = http.StatusRequestEntityTooLarge
	case "shape", "message":
		want = http.StatusBadRequest
	}
	if status != want || len(body) > 0 {
		t.Errorf("%s: answered %d %q, want %d and nothing", reason, status, body, want)
	}
	lines := g.log.with(" refused\"")[before:]
	if len(lines) != 1 || !strings.Contains(lines[0], `"reason":"`+reason+`"`) {
		t.Errorf("%s: the log has %q, want one line with the reason", reason, lines)
	}
}

// applied lets the real approver vote, so that the silence before is known to
// be no dead service's.
func (g *target) applied(t *testing.T) {
	t.Helper()
	g.ask(t, stage.FeishuRoom, "周凯", "@点名 "+g.approve, "已批准")
	until(t, "the approved run succeeds", func() bool {
		r, err := g.app.store.Run(t.Context(), run.Code(g.code))
		return err == nil && r.State == run.Succeeded
	})
	g.once(t, 12)
}

// event makes the event of what 周凯 would say, undelivered.
func (g *target) event(t *testing.T, w feishusim.Words) feishusim.Event {
	t.Helper()
	if w.Chat == "" {
		w.Chat = g.stage.ChatID(stage.FeishuRoom)
	}
	w.From = g.stage.Account(stage.FeishuRoom, "周凯")
	w.Text = "@点名 " + w.Text
	e, err := g.stage.Feishu.MessageEvent(w)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// post delivers an event, forged or not.
func (g *target) post(t *testing.T, e feishusim.Event, f feishusim.Forgery) feishusim.Answer {
	t.Helper()
	a, err := g.stage.Feishu.Post(t.Context(), g.stage.Door(stage.FeishuRoom), e, f)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// resend delivers captured bytes.
func (g *target) resend(t *testing.T, sent feishusim.Sent) feishusim.Answer {
	t.Helper()
	a, err := g.stage.Feishu.Resend(t.Context(), g.stage.Door(stage.FeishuRoom), sent)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestForgedFeishu posts to Feishu's callback what is not from Feishu, or not
// for us, or not of now: a vote that would delete three people, a command that
// would begin a run, and the press of the approve button.
func TestForgedFeishu(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	const strangersKey = "a-key-of-the-forger-0987"
	forgeries := []struct {
		reason string
		f      feishusim.Forgery
	}{
		{"signature", feishusim.Forgery{BadSignature: true}},
		{"signature", feishusim.Forgery{Key: strangersKey}},
		{"unsigned", feishusim.Forgery{Unsigned: true}},
		{"not_sealed", feishusim.Forgery{Plain: true}},
		{"not_sealed", feishusim.Forgery{Plain: true, Unsigned: true}},
		{"token", feishusim.Forgery{Token: "token-of-the-forger-5521"}},
		{"app", feishusim.Forgery{AppID: "cli_other"}},
		{"tenant", feishusim.Forgery{TenantKey: "tenant_other"}},
		{"stale", feishusim.Forgery{Age: 6 * time.Minute}},
		{"stale", feishusim.Forgery{Age: 26 * time.Hour}},
		{"stale", feishusim.Forgery{Age: -6 * time.Minute}},
		{"signature", feishusim.Forgery{BadSignature: true, Age: time.Hour}},
	}
	press := g.pressEvent(t)
	for _, c := range forgeries {
		for _, e := range []feishusim.Event{
			g.event(t, feishusim.Words{Text: g.approve}), g.event(t, feishusim.Words{Text: "同步 hr-to-wecom"}), press,
		} {
			g.refusal(t, c.reason, func() (int, []byte) {
				a := g.post(t, e, c.f)
				return a.Status, a.Body
			})
		}
	}
	g.bent(t, press)
	g.untouched(t)
	g.discreet(t, strangersKey, "token-of-the-forger-5521", g.approve, "同步 hr-to-wecom")
	g.applied(t)
	g.discreet(t, strangersKey, "token-of-the-forger-5521", g.approve, "同步 hr-to-wecom")
}

// pressEvent makes the event of 周凯's press of the approve button.
func (g *target) pressEvent(t *testing.T) feishusim.Event {
	t.Helper()
	for _, m := range g.stage.Feishu.Messages(g.stage.ChatID(stage.FeishuRoom)) {
		for _, b := range g.stage.Feishu.Buttons(m.ID) {
			if !strings.HasPrefix(b.Text, "批准") {
				continue
			}
			form := map[string]string{}
			for _, p := range g.all() {
				for label, name := range p.Inputs() {
					if strings.Contains(label, "删除") {
						form[name] = "3"
					}
				}
			}
			if len(form) == 0 {
				t.Fatal("the card asks for nothing")
			}
			e, err := g.stage.Feishu.PressEvent(feishusim.Click{
				Message: m.ID, By: g.stage.Account(stage.FeishuRoom, "周凯"), Button: b.Text, Form: form,
			})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
	}
	t.Fatal("no button to approve")
	return feishusim.Event{}
}

// bent changes one genuine request in its headers or its body.
func (g *target) bent(t *testing.T, press feishusim.Event) {
	t.Helper()
	captured := g.post(t, g.event(t, feishusim.Words{Text: "帮助"}), feishusim.Forgery{})
	if captured.Status != http.StatusOK {
		t.Fatalf("a genuine message is answered %d", captured.Status)
	}
	other := g.post(t, press, feishusim.Forgery{BadSignature: true}) // refused; its body is under another signature
	before := len(g.log.with(" refused\""))
	bends := map[string]func(*feishusim.Sent){
		"signature of another body": func(s *feishusim.Sent) { s.Body = other.Sent.Body },
		"one bit of the body":       func(s *feishusim.Sent) { s.Body[len(s.Body)/2] ^= 1 },
		"a blank behind the body":   func(s *feishusim.Sent) { s.Body = append(s.Body, ' ') },
		"another nonce":             func(s *feishusim.Sent) { s.Header.Set("X-Lark-Request-Nonce", "n0nce") },
		"another time":              func(s *feishusim.Sent) { s.Header.Set("X-Lark-Request-Timestamp", "1") },
		"two signatures": func(s *feishusim.Sent) {
			s.Header["X-Lark-Signature"] = append(s.Header["X-Lark-Signature"], other.Sent.Header["X-Lark-Signature"]...)
		},
	}
	for what, bend := range bends {
		sent := feishusim.Sent{Header: captured.Sent.Header.Clone(), Body: bytes.Clone(captured.Sent.Body)}
		bend(&sent)
		if a := g.resend(t, sent); a.Status != http.StatusUnauthorized {
			t.Errorf("%s: answered %d", what, a.Status)
		}
	}
	if lines := g.log.with(" refused\"")[before:]; len(lines) != len(bends) {
		t.Errorf("%d refusals logged, want %d: %q", len(lines), len(bends), lines)
	}
}

// TestReplayFeishu sends genuine requests again to the byte: each counts once,
// also for the process that comes after, and not at all once its time is over.
func TestReplayFeishu(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	e, from := g.event(t, feishusim.Words{Text: "预演 hr-to-wecom"}), len(g.all())
	first := g.post(t, e, feishusim.Forgery{})
	if first.Status != http.StatusOK {
		t.Fatalf("a genuine message is answered %d", first.Status)
	}
	g.begun++
	planned := g.awaitRun(t, "the plan", func(r run.Run) bool { return r.State == run.Planned })
	g.await(t, from, func(p stage.Post) bool { // the last of its answers
		return strings.Contains(p.Text, "@周凯") && strings.Contains(p.Text, string(planned.Code))
	})
	answers := g.answers(e)
	again := func() {
		for range 3 {
			if a := g.resend(t, first.Sent); a.Status != http.StatusOK {
				t.Errorf("a delivery that repeats is answered %d", a.Status)
			}
		}
		if a := g.post(t, g.stage.Feishu.Renew(e), feishusim.Forgery{}); a.Status != http.StatusOK {
			t.Errorf("the same message as another event is answered %d", a.Status)
		}
	}
	again()
	g.untouched(t)
	g.restart(t)
	g.settled(t) // the bot knows itself again
	again()
	g.untouched(t)
	if now := g.answers(e); len(now) != len(answers) {
		t.Errorf("the message that came nine times is answered %q, before %q", now, answers)
	}

	g.clock.forward(6 * time.Minute)
	g.refusal(t, "stale", func() (int, []byte) {
		a := g.resend(t, first.Sent)
		return a.Status, a.Body
	})
	g.clock.forward(-6 * time.Minute)

	vote := g.post(t, g.event(t, feishusim.Words{Text: g.approve}), feishusim.Forgery{})
	until(t, "the approved run succeeds", func() bool {
		r, err := g.app.store.Run(t.Context(), run.Code(g.code))
		return err == nil && r.State == run.Succeeded
	})
	for range 3 {
		g.resend(t, vote.Sent)
	}
	g.settled(t)
	if votes, err := g.app.store.Votes(t.Context(), run.Code(g.code)); err != nil || len(votes) != 1 {
		t.Errorf("votes %+v, %v; want one", votes, err)
	}
	g.once(t, 12)
	g.discreet(t, g.approve, "预演 hr-to-wecom")
}

// answers gives what the bot said to a message.
func (g *target) answers(e feishusim.Event) []string {
	var all []string
	for _, m := range g.stage.Feishu.Messages(g.stage.ChatID(stage.FeishuRoom)) {
		if m.FromBot && m.ParentID == e.MessageID {
			all = append(all, m.Content)
		}
	}
	return all
}

// TestOutsideFeishu sends genuine messages that give no right: hours old, from a
// room that nothing binds, and from a person of another tenant.
func TestOutsideFeishu(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	sim := g.stage.Feishu
	sim.AddChat("oc_strange", "别的群", g.stage.Account(stage.FeishuRoom, "周凯"))

	for _, text := range []string{g.approve, "同步 hr-to-wecom", "取消 " + g.code} {
		e := g.event(t, feishusim.Words{Text: text, At: time.Now().Add(-3 * time.Hour)})
		from := len(g.all())
		if a := g.post(t, e, feishusim.Forgery{}); a.Status != http.StatusOK {
			t.Errorf("a late message is answered %d, and would come again", a.Status)
		}
		g.await(t, from, func(p stage.Post) bool { return strings.Contains(p.Text, "来晚了，请重发") })
	}
	g.untouched(t)

	for _, text := range []string{g.approve, "同步 hr-to-wecom"} {
		g.post(t, g.event(t, feishusim.Words{Chat: "oc_strange", Text: text}), feishusim.Forgery{})
	}
	g.untouched(t)
	var said []string
	until(t, "both messages of the unbound room are answered", func() bool {
		said = nil
		for _, m := range sim.Messages("oc_strange") {
			if m.FromBot {
				said = append(said, m.Content)
			}
		}
		return len(said) == 2
	})
	for _, words := range said {
		if !strings.Contains(words, "本群还没有绑定") || strings.Contains(words, "王磊") || strings.Contains(words, "删除") {
			t.Errorf("an unbound room is told: %s", words)
		}
	}

	before := len(g.log.with("message from outside is ignored"))
	a := g.post(t, g.event(t, feishusim.Words{Text: g.approve, TenantKey: "tenant_other"}), feishusim.Forgery{})
	if lines := g.log.with("message from outside is ignored")[before:]; a.Status != http.StatusOK || len(lines) != 1 {
		t.Errorf("somebody of another tenant is answered %d, logged %q", a.Status, lines)
	}
	g.untouched(t)
	g.applied(t)
	g.discreet(t, g.approve, "同步 hr-to-wecom")
}

// TestForgedDingTalk posts to DingTalk's callback what is not from DingTalk, or
// not for us, or not of now.
func TestForgedDingTalk(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	g.stage.DingTalk.AddConversation("cidOTHER==", "别的群", "cidOTHER==", g.stage.Account(stage.DingRoom, "周凯"))
	for _, c := range []struct {
		reason string
		say    dingtalksim.SayOptions
		post   dingtalksim.PostOptions
		chat   string
	}{
		{reason: "signature", post: dingtalksim.PostOptions{BadSign: true}},
		{reason: "signature", post: dingtalksim.PostOptions{NoSign: true}},
		{reason: "stale", post: dingtalksim.PostOptions{Timestamp: time.Now().Add(-6 * time.Minute)}},
		{reason: "stale", post: dingtalksim.PostOptions{Timestamp: time.Now().Add(-26 * time.Hour)}},
		{reason: "stale", post: dingtalksim.PostOptions{Timestamp: time.Now().Add(6 * time.Minute)}},
		{reason: "robot", say: dingtalksim.SayOptions{RobotCode: "ding-other-robot"}},
		{reason: "robot", say: dingtalksim.SayOptions{NoRobotCode: true}},
		{reason: "corp", say: dingtalksim.SayOptions{ChatbotCorpID: "dingother"}},
		{reason: "conversation", chat: "cidOTHER=="},
		{reason: "conversation", chat: dingtalksim.Direct(g.stage.Account(stage.DingRoom, "周凯"))},
		{reason: "shape", post: dingtalksim.PostOptions{Alter: func(b []byte) []byte { return append(b, '}') }}},
		{reason: "shape", post: dingtalksim.PostOptions{Alter: func([]byte) []byte { return []byte("approve=1") }}},
		{reason: "message", post: dingtalksim.PostOptions{Alter: func([]byte) []byte { return []byte("{}") }}},
		{reason: "too_large", post: dingtalksim.PostOptions{Alter: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 2<<20)...) }}},
	} {
		for _, text := range []string{g.approve, "sync hr-to-wecom", "reject " + g.code} {
			g.refusal(t, c.reason, func() (int, []byte) {
				p := g.utter(t, dingtalksim.Utterance{Conversation: c.chat, Text: text, SayOptions: c.say}, c.post)
				return p.Status, p.Body
			})
		}
	}
	g.refusal(t, "method", func() (int, []byte) { return get(t, g.stage.Door(stage.DingRoom)), nil })
	if status := get(t, strings.TrimSuffix(g.stage.Door(stage.DingRoom), "f")+"e"); status != http.StatusNotFound {
		t.Errorf("a guessed path is answered %d", status)
	}
	g.untouched(t)

	before := len(g.log.with("message from outside is ignored"))
	p := g.utter(t, dingtalksim.Utterance{Text: g.approve, SayOptions: dingtalksim.SayOptions{SenderCorpID: "dingother"}}, dingtalksim.PostOptions{})
	if lines := g.log.with("message from outside is ignored")[before:]; p.Status != http.StatusOK || len(lines) != 1 {
		t.Errorf("somebody of another corp is answered %d, logged %q", p.Status, lines)
	}
	g.untouched(t)
	g.discreet(t, g.approve, "sync hr-to-wecom")
	g.applied(t)
	if wrong := g.stage.DingTalk.Complaints(); len(wrong) > 0 {
		t.Errorf("the platform complains: %q", wrong)
	}
}

// utter posts what 周凯 says in the DingTalk room, or elsewhere.
func (g *target) utter(t *testing.T, u dingtalksim.Utterance, o dingtalksim.PostOptions) dingtalksim.Posted {
	t.Helper()
	if u.Conversation == "" {
		u.Conversation = g.stage.ChatID(stage.DingRoom)
	}
	u.Staff = g.stage.Account(stage.DingRoom, "周凯")
	p, err := g.stage.DingTalk.Post(t.Context(), g.stage.Door(stage.DingRoom), u, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// get gives the status of an address.
func get(t *testing.T, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode
}

// TestCapturedDingTalk is somebody who has seen one genuine callback. Its
// signature does not cover the body, so for five minutes any body can be sent
// under it: nothing that changes anything may come of that.
func TestCapturedDingTalk(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	captured := g.utter(t, dingtalksim.Utterance{Text: "help"}, dingtalksim.PostOptions{})
	if captured.Status != http.StatusOK {
		t.Fatalf("a genuine message is answered %d", captured.Status)
	}
	under := func(alter func([]byte) []byte) dingtalksim.Posted {
		return g.utter(t, dingtalksim.Utterance{}, dingtalksim.PostOptions{Replay: &captured, Alter: alter})
	}
	swap := func(pairs ...string) func([]byte) []byte {
		return func(b []byte) []byte {
			out := []byte(strings.NewReplacer(pairs...).Replace(string(b)))
			if bytes.Equal(out, b) {
				t.Errorf("%q are not in the body %s", pairs, b)
			}
			return out
		}
	}
	for range 3 { // to the byte
		if p := under(nil); p.Status != http.StatusOK {
			t.Errorf("a delivery that repeats is answered %d", p.Status)
		}
	}
	// Another text under the message's own id: claimed already.
	under(swap("help", g.approve))
	under(swap("help", "reject "+g.code))
	g.untouched(t)

	// Another id: a new message, of somebody who proves little.
	from := len(g.all())
	under(swap("help", g.approve, captured.MessageID, "msgFORGED1"))
	g.await(t, from, func(p stage.Post) bool { return strings.Contains(p.Text, "DingTalk's HTTP callback") })
	g.untouched(t)
	from = len(g.all())
	under(swap("help", "sync hr-to-wecom", captured.MessageID, "msgFORGED2"))
	g.begun++
	g.await(t, from, func(p stage.Post) bool { return p.Room == stage.DingRoom && strings.Contains(p.Text, "hr-to-wecom") })
	until(t, "the run that was asked for so waits or ends", func() bool { return !g.runs(t)[0].State.Working() })
	g.once(t, 0) // not even what is harmless
	second := g.runs(t)[0]
	if second.State != run.Partial || second.Outcome.Done > 0 {
		t.Errorf("the run is %s, %+v: %s", second.State, second.Outcome, second.Reason)
	}
	under(swap("help", "approve "+string(second.Code)+" delete=3", captured.MessageID, "msgFORGED3"))
	g.settled(t)
	if votes, err := g.app.store.Votes(t.Context(), second.Code); err != nil || len(votes) > 0 {
		t.Errorf("votes %+v, %v; want none", votes, err)
	}
	g.once(t, 0)

	// Pinned things stay pinned.
	g.refusal(t, "robot", func() (int, []byte) {
		p := under(swap("ding-demo-robot", "ding-other-robot", captured.MessageID, "msgFORGED4"))
		return p.Status, p.Body
	})
	g.refusal(t, "conversation", func() (int, []byte) {
		p := under(swap(g.stage.ChatID(stage.DingRoom), "cidOTHER==", captured.MessageID, "msgFORGED5"))
		return p.Status, p.Body
	})
	g.clock.forward(6 * time.Minute)
	g.refusal(t, "stale", func() (int, []byte) { p := under(nil); return p.Status, p.Body })
	g.clock.forward(-6 * time.Minute)
	g.discreet(t, g.approve, "sync hr-to-wecom")
}

// TestLateDingTalk sends genuine messages that are hours old.
func TestLateDingTalk(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	for _, text := range []string{"sync hr-to-wecom", "reject " + g.code, "cancel " + g.code} {
		from := len(g.all())
		p := g.utter(t, dingtalksim.Utterance{
			Text: text, SayOptions: dingtalksim.SayOptions{CreateAt: time.Now().Add(-3 * time.Hour)},
		}, dingtalksim.PostOptions{})
		if p.Status != http.StatusOK {
			t.Errorf("a late message is answered %d", p.Status)
		}
		g.await(t, from, func(p stage.Post) bool {
			return p.Room == stage.DingRoom && strings.Contains(p.Text, "Too late, send again")
		})
	}
	g.untouched(t)
	g.applied(t)
	g.discreet(t, "sync hr-to-wecom", "reject "+g.code)
}
