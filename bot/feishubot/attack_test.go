package feishubot

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestA1_Replay: a copy of a genuine request brings the same message id while its
// time is fresh, which is claimed once, and nothing at all later.
func TestA1_Replay(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	e := w.say(t, feishusim.Words{Text: "@点名 批准 7K3MQ2 删除=3"})
	first := w.post(t, e, feishusim.Forgery{})
	again, err := w.sim.Resend(t.Context(), w.target, first.Sent)
	if err != nil || again.Status != http.StatusOK {
		t.Fatalf("%+v %v", again, err)
	}
	if got := w.inbox.all(); len(got) != 2 || got[0].ID != got[1].ID {
		t.Errorf("%+v", got)
	}
	w.clock.add(defaultWindow + time.Second)
	if late, err := w.sim.Resend(t.Context(), w.target, first.Sent); err != nil || late.Status != http.StatusUnauthorized || len(w.inbox.all()) != 2 {
		t.Errorf("%+v %v", late, err)
	}
}

// TestA2_ForgedApproval: without the keys nobody says or presses anything, and no
// bot starts that would listen to callbacks without them.
func TestA2_ForgedApproval(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *feishusim.Options, o *Options) { o.TenantKey = "tenant_sim" })
	place := w.send(t, approval(w.chat), "k", "")
	press, err := w.sim.PressEvent(feishusim.Click{Message: place, By: w.zhou, Button: "批准"})
	if err != nil {
		t.Fatal(err)
	}
	say := w.say(t, feishusim.Words{Text: "@点名 批准 7K3MQ2 删除=3"})
	for name, f := range map[string]feishusim.Forgery{
		"unsigned": {Unsigned: true}, "plain": {Plain: true, Unsigned: true}, "other key": {Key: "guess"}, "other token": {Token: "guess"},
	} {
		for _, e := range []feishusim.Event{press, say} {
			if a := w.post(t, e, f); a.Status != http.StatusUnauthorized || len(a.Body) != 0 {
				t.Errorf("%s: %d %s", name, a.Status, a.Body)
			}
		}
	}
	if got := w.inbox.all(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	if _, err := New(Options{AppID: "a", Now: w.clock.now, Tokens: w.o.Tokens, VerificationToken: "v"}); err == nil || !strings.Contains(err.Error(), "encrypt_key") {
		t.Errorf("a bot without Encrypt Key: %v", err)
	}
}

// TestA13_UnknownSenders: who cannot be told, belongs to another tenant or is a
// bot is marked so that nothing obeys it.
func TestA13_UnknownSenders(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	send := func(change func(sender map[string]any)) bot.Message {
		t.Helper()
		e := w.say(t, feishusim.Words{Text: "@点名 批准 7K3MQ2 删除=3"})
		change(e.Body["sender"].(map[string]any))
		w.post(t, e, feishusim.Forgery{})
		all := w.inbox.all()
		return all[len(all)-1]
	}
	if m := send(func(s map[string]any) { s["sender_id"] = map[string]any{} }); len(m.Sender) != 0 {
		t.Errorf("no id: %+v", m)
	}
	if m := send(func(s map[string]any) { s["tenant_key"] = "tenant_other" }); !m.Foreign {
		t.Errorf("another tenant: %+v", m)
	}
	if m := send(func(s map[string]any) { s["sender_type"] = "app" }); !m.Foreign {
		t.Errorf("a bot: %+v", m)
	}
	if m := send(func(s map[string]any) { s["sender_id"] = map[string]any{"open_id": "zhou", "union_id": "ou_x"} }); len(m.Sender) != 0 {
		t.Errorf("ids of another kind: %+v", m)
	}
}

// TestA42_NoSecretsInLogs: with everything going wrong.
func TestA42_NoSecretsInLogs(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	o := w.alone(w.zhou)
	o.Card.Sections = []bot.Section{{Lines: []bot.Line{line("王磊-canary")}}}
	o.File = &bot.File{Name: "canary.csv", Run: "7K3MQ2", Data: []byte("canary")}
	for _, f := range []feishusim.Fault{
		{Path: "/open-apis/im/v1/files", Code: 234006},
		{Path: imPath, Code: 230028, Msg: "canary"},
		{Path: imPath, Drop: true},
		{Path: imPath, Status: 502, Body: "canary"},
		{Path: "/open-apis/im/v1/files", Before: true},
		{Path: imPath, Code: 99991663, Times: 2},
	} {
		w.sim.Inject(f)
		_, err := w.Send(t.Context(), o, "k", "")
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
	w.post(t, w.say(t, feishusim.Words{Text: "@点名 canary"}), feishusim.Forgery{BadSignature: true})
	noSecrets(t, w.log.text())
	if strings.Contains(w.log.text(), "canary") {
		t.Errorf("log: %s", w.log.text())
	}
}

var buttonLine = regexp.MustCompile(`^<([^>]*)> ([^{(]*)`)

// readCard reads a card as the conversation's golden files show it.
func readCard(text string) bot.Card {
	c := bot.Card{Tone: bot.Info}
	for i, l := range strings.Split(text, "\n") {
		l = strings.TrimPrefix(l, "    ")
		switch button := buttonLine.FindStringSubmatch(l); {
		case i == 0:
			tone, title, _ := strings.Cut(strings.TrimPrefix(l, "["), "] ")
			c.Title, c.Plain = title, strings.HasSuffix(tone, " plain")
			c.Tone = bot.Tone(strings.TrimSuffix(tone, " plain"))
		case strings.HasPrefix(l, "## "):
			title, folded := strings.CutSuffix(strings.TrimPrefix(l, "## "), " (folded)")
			c.Sections = append(c.Sections, bot.Section{Title: title, Folded: folded})
		case strings.HasPrefix(l, "-- "):
			c.Foot = strings.TrimPrefix(l, "-- ")
		case button != nil:
			c.Buttons = append(c.Buttons, bot.Button{Label: button[1], Command: strings.TrimSpace(button[2])})
		case strings.TrimSpace(l) != "":
			if len(c.Sections) == 0 {
				c.Sections = append(c.Sections, bot.Section{})
			}
			s := &c.Sections[len(c.Sections)-1]
			item, bullet := strings.CutPrefix(l, "- ")
			s.Bullet = s.Bullet || bullet
			s.Lines = append(s.Lines, line(item))
		}
	}
	return c
}

// TestC1_EveryCardOfTheConversation: each card that the bot makes, in either
// language, passes the check and the platform, as a card.
func TestC1_EveryCardOfTheConversation(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/cards/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	w := setup(t, nil)
	for _, path := range files {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(string(raw), "\ncall:")
		o := bot.Outgoing{Chat: w.chat, Lang: bot.ZH, Card: readCard(first)}
		if strings.Contains(path, ".en.") {
			o.Lang = bot.EN
		}
		o.Card.Plain = false
		place := w.send(t, o, filepath.Base(path), "")
		if m, _ := w.sim.Message(place); m.Type != "interactive" || len(m.Content) > cardBytes {
			t.Errorf("%s became %s of %d bytes: %s", path, m.Type, len(m.Content), w.log.text())
		}
	}
}
