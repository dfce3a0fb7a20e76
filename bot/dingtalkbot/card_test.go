package dingtalkbot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

const template = "tpl.schema"

func withTemplate(o *dingtalkbot.Options, _ *dingtalksim.Options) { o.CardTemplate = template }

func live(card bot.Card) bot.Outgoing {
	o := out(card)
	o.Live, o.Version, o.Mention = "card:7K3MQ2:"+room, 3, []string{"u1"}
	return o
}

func TestInteractiveCard(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	stop := w.listen(1)
	w.AddTemplate(template)
	place, err := w.bot.Send(t.Context(), live(ask()), "letter-1", "")
	if err != nil || place == "" {
		t.Fatal(place, err)
	}
	// A lost answer: the second try finds the first.
	if again, err := w.bot.Send(t.Context(), live(ask()), "letter-1", ""); err != nil || again != place {
		t.Errorf("%q %v", again, err)
	}
	c, ok := w.Card(place)
	if !ok || !c.Stream || c.Params["title"] != "待批准 7K3MQ2 · 删除 3" || c.Params["tone"] != "danger" || c.Params["digest"] != "d1" {
		t.Fatalf("%+v", c)
	}
	if c.Params["button1_command"] != "驳回 7K3MQ2" || c.Params["button2_shown"] != "true" || c.Params["button3_shown"] != "false" {
		t.Errorf("%+v", c.Params)
	}
	if !strings.Contains(c.Params["body1"], "批准 7K3MQ2 删除=〈") {
		t.Errorf("body %q", c.Params["body1"])
	}
	// Edited in place: what the older drawing had is gone.
	done := info()
	done.Title, done.Tone = "完成 7K3MQ2", bot.Good
	if at, err := w.bot.Send(t.Context(), live(done), "letter-2", place); err != nil || at != place {
		t.Fatalf("%q %v", at, err)
	}
	c, _ = w.Card(place)
	if c.Params["title"] != "完成 7K3MQ2" || c.Params["button1_shown"] != "false" || c.Params["button1_command"] != "" || c.Params["digest"] != "" {
		t.Errorf("%+v", c.Params)
	}
	if said := w.Messages(room); len(said) != 1 || said[0].Edits != 1 {
		t.Errorf("said %+v", said)
	}
	// A card that is gone is sent anew.
	if at, err := w.bot.Send(t.Context(), live(done), "letter-3", "lost"); err != nil || at == "lost" || at == place {
		t.Errorf("%q %v", at, err)
	}
	if !w.bot.Can().Edit || w.bot.Can().Forms || w.bot.Can().Threads || !w.bot.Can().Buttons {
		t.Errorf("%+v", w.bot.Can())
	}
	stop()
	w.innocent()
}

func TestPress(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	stop := w.listen(2)
	place, err := w.bot.Send(t.Context(), live(ask()), "letter-1", "")
	if err != nil {
		t.Fatal(err)
	}
	click := dingtalksim.Click{OutTrackID: place, Staff: "u2", ActionID: "1", Params: map[string]string{"command": "驳回 7K3MQ2", "digest": "d1"}}
	ack, err := w.Click(t.Context(), click)
	m := w.next()
	if err != nil || ack.Code != 200 || m.Press == nil || m.Press.Command != "驳回 7K3MQ2" || m.Press.Digest != "d1" || m.Press.Card != place {
		t.Fatalf("%+v %v %+v", ack, err, m)
	}
	if m.Chat != room || m.Foreign || !m.Addressed || len(m.Sender) != 1 || m.Sender[0] != "u2" || m.ID == "" || m.Weak {
		t.Errorf("%+v", m)
	}
	w.box.breakDown(errBroken)
	if _, err := w.Click(t.Context(), click); err != nil {
		t.Fatal(err)
	}
	w.heard(room, 2)
	stop()
	if c, _ := w.Card(place); !strings.Contains(c.Private["u2"]["notice"], "没有收下") {
		t.Errorf("%+v", c.Private)
	}
	if said := w.Messages(room); !strings.Contains(said[1].Text, "没有收下") {
		t.Errorf("said %+v", said)
	}
	w.innocent()
}

func TestCardInDirectChat(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	w.listen(1)
	o := live(ask())
	o.Chat = dingtalkbot.DirectChat("u2")
	place, err := w.bot.Send(t.Context(), o, "letter-1", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Click(t.Context(), dingtalksim.Click{OutTrackID: place, Staff: "u2", ActionID: "1"}); err != nil {
		t.Fatal(err)
	}
	if m := w.next(); !m.Direct || m.Chat != o.Chat {
		t.Errorf("%+v", m)
	}
}

// TestCardDegrades: what the template cannot do, a message does.
func TestCardDegrades(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(w *world){
		"no permission": func(w *world) { w.SetPermission(dingtalksim.ScopeCard, false) },
		"no template":   func(w *world) { w.AddTemplate("another.schema") },
	} {
		w := setup(t, withTemplate)
		spoil(w)
		place, err := w.bot.Send(t.Context(), live(ask()), "k", "")
		if said := w.Messages(room); err != nil || place != "" || len(said) != 1 || said[0].Kind != "actionCard" {
			t.Errorf("%s: %q %v %+v", name, place, err, said)
		}
	}
	w := setup(t, withTemplate)
	w.Inject(dingtalksim.Fault{Path: "/v1.0/card/instances/createAndDeliver", Status: 403, Code: "Forbidden.AccessDenied.QpsLimitForApi"})
	if _, err := w.bot.Send(t.Context(), live(ask()), "k", ""); fault.KindOf(err) != fault.Limited || fault.After(err) != time.Second {
		t.Error(err)
	}
	o := live(ask())
	o.Chat = "cidNOWHERE=="
	if _, err := w.bot.Send(t.Context(), o, "k", ""); fault.KindOf(err) != fault.NotFound {
		t.Error(err)
	}
	if len(w.Messages(room)) != 0 {
		t.Error("something was said")
	}
}

func TestCardOnlyWhereItIsEdited(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	if place, err := w.bot.Send(t.Context(), out(info()), "k", ""); err != nil || place != "" {
		t.Errorf("%q %v", place, err)
	}
	plain := live(bot.Card{Title: "好", Plain: true})
	if place, err := w.bot.Send(t.Context(), plain, "k", ""); err != nil || place != "" {
		t.Errorf("%q %v", place, err)
	}
}

func TestCardVariablesFit(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	card := ask()
	card.Title, card.Foot = strings.Repeat("标题", 700), strings.Repeat("脚", 900)
	for i := range 500 {
		card.Sections[0].Lines = append(card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("%d %s", i, strings.Repeat("长", i%300))}})
	}
	place, err := w.bot.Send(t.Context(), live(card), "k", "")
	if err != nil || place == "" {
		t.Fatal(place, err)
	}
	c, _ := w.Card(place)
	all := ""
	for i := range 8 {
		all += c.Params[fmt.Sprintf("body%d", i+1)]
	}
	if !strings.Contains(all, "…还有 ") || !strings.Contains(all, "批准 7K3MQ2 删除=") {
		t.Errorf("the end is missing: %s", all[max(0, len(all)-300):])
	}
}
