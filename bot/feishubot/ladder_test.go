package feishubot

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestLadder: each refusal is one step down, and the log tells where it ended.
func TestLadder(t *testing.T) {
	t.Parallel()
	withChart := digest(bot.ZH)
	for _, tt := range []struct {
		card     bot.Outgoing
		refusals int
		kind     string
		step     string
	}{
		{withChart, 0, "interactive", stepCard},
		{withChart, 1, "interactive", stepLines},
		{withChart, 2, "post", stepPost},
		{withChart, 3, "text", stepText},
		{withChart, 4, "text", stepTitle},
		{approval(""), 0, "interactive", stepCard},
		{approval(""), 1, "post", stepPost},
		{approval(""), 2, "text", stepText},
	} {
		for _, code := range []int{230025, 230099, 300305, 11310, 404404} {
			w := setup(t, nil)
			o := tt.card
			o.Chat = w.chat
			if tt.refusals > 0 {
				w.sim.Inject(feishusim.Fault{Path: imPath, Code: code, Times: tt.refusals})
			}
			w.send(t, o, "k", "")
			if m := w.last(t); m.Type != tt.kind || !strings.Contains(w.log.text(), `"step":"`+tt.step+`"`) {
				t.Errorf("%d × %d: %s, %s", tt.refusals, code, m.Type, w.log.text())
			}
			if lesser := strings.Contains(w.log.text(), "lesser form"); lesser != (tt.refusals > 0) {
				t.Errorf("%d × %d: %s", tt.refusals, code, w.log.text())
			}
		}
	}
}

// TestNothingIsLost: what is too long for one message comes in several.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat("宽", 120)
	o := bot.Outgoing{Lang: bot.EN, Card: bot.Card{Plain: true, Title: "Whole list", Sections: []bot.Section{{Bullet: true, Lines: many(600, "row %d. "+wide)}}}}
	w := setup(t, nil)
	o.Chat, o.Mention = w.chat, []string{w.zhou}
	place := w.send(t, o, strings.Repeat("k", 49), "")
	all := w.sim.Messages(w.chat)
	if len(all) < 3 || place != "text:"+all[0].ID {
		t.Fatalf("%s, %d messages", place, len(all))
	}
	for i, m := range all {
		if want := fmt.Sprintf(" (%d/%d)", i+1, len(all)); !strings.Contains(m.Text(), want) {
			t.Errorf("part %d: %.80q", i, m.Text())
		}
		if (len(m.Mentions) == 1) != (i == 0) {
			t.Errorf("part %d mentions %v", i, m.Mentions)
		}
		if m.UUID == "" || len(m.UUID) > keyLimit {
			t.Errorf("part %d has the key %q", i, m.UUID)
		}
	}
	words := ""
	for _, m := range all {
		words += m.Text() + "\n"
	}
	for i := range 600 {
		if !strings.Contains(words, fmt.Sprintf("row %d. ", i+1)) {
			t.Fatalf("row %d is lost", i+1)
		}
	}
	if again := w.send(t, o, strings.Repeat("k", 49), ""); again != place || len(w.sim.Messages(w.chat)) != len(all) {
		t.Errorf("said twice")
	}
	// Broken off in the middle, it goes on there.
	w = setup(t, nil)
	o.Chat, o.Mention = w.chat, nil
	w.sim.Inject(feishusim.Fault{Path: imPath, Skip: 1, Code: 230020})
	if _, err := w.Send(t.Context(), o, "k", ""); fault.KindOf(err) != fault.Limited {
		t.Errorf("%v", err)
	}
	w.send(t, o, "k", "")
	if n := len(w.sim.Messages(w.chat)); n != len(all) {
		t.Errorf("%d messages, want %d", n, len(all))
	}
}

func TestEndlessTextsEnd(t *testing.T) {
	t.Parallel()
	o := bot.Outgoing{Lang: bot.ZH, Card: bot.Card{Title: "x", Sections: []bot.Section{{Lines: many(2000, "row %d "+strings.Repeat("宽", 100))}}}}
	for _, d := range drafts(o, bound{}) {
		if d.step == stepPost && (len(d.parts) != partLimit || !strings.Contains(d.parts[partLimit-1], "…还有 ")) {
			t.Errorf("%d parts", len(d.parts))
		}
	}
}

// TestC1_CardsAreChecked: no card leaves that has more or other things in it than
// are allowed.
func TestC1_CardsAreChecked(t *testing.T) {
	t.Parallel()
	text := node{"tag": "plain_text", "content": "x"}
	card := func(elements ...node) node { return node{"body": node{"elements": elements}} }
	for name, bad := range map[string]node{
		"nothing":          card(),
		"a table":          card(node{"tag": "table", "rows": []node{}}),
		"an image":         card(node{"tag": "img", "img_key": "x"}),
		"another property": card(node{"tag": "markdown", "content": "x", "href": "x"}),
		"deep inside":      card(node{"tag": "column_set", "columns": []node{{"tag": "column", "elements": []node{{"tag": "hr"}}}}}),
		"text with colour": card(node{"tag": "div", "text": node{"tag": "plain_text", "content": "x", "colour": "red"}}),
		"too many lines":   card(node{"tag": "markdown", "content": strings.Repeat("x\n", rowLimit)}),
		"too many":         card(slices.Repeat([]node{{"tag": "div", "text": text}}, cardElements+1)...),
	} {
		if check(bad) == nil {
			t.Errorf("%s passes", name)
		}
	}
	if err := check(card(slices.Repeat([]node{{"tag": "div", "text": text}}, cardElements)...)); err != nil {
		t.Error(err)
	}
	for name, o := range goldens() {
		raw, ok := cardOf(o, bound{}, true)
		if !ok || len(raw) > cardBytes {
			t.Errorf("%s is no card of %d bytes", name, len(raw))
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(raw), &v); err != nil {
			t.Fatal(err)
		}
		rows := 0
		body, _ := v["body"].(map[string]any)
		seen, _ := body["elements"].([]any)
		seen = slices.DeleteFunc(seen, func(e any) bool { return e.(map[string]any)["tag"] == "collapsible_panel" })
		walk(seen, func(m map[string]any) {
			if s, _ := m["content"].(string); strings.HasPrefix(s, "• ") {
				rows = max(rows, strings.Count(s, "\n")+1)
			}
		})
		if limit := listLimit + 1; name == "long" && rows > limit {
			t.Errorf("%s shows %d rows", name, rows)
		}
	}
}

func TestChartsThatCannotBeDrawnAreLines(t *testing.T) {
	t.Parallel()
	for name, chart := range map[string]*bot.Chart{"empty": {Title: "x"}, "too large": {Points: make([]bot.Point, chartPoints+1)}} {
		o := digest(bot.ZH)
		o.Card.Sections[0].Chart = chart
		list := drafts(o, bound{})
		if list[0].step != stepCard || strings.Contains(list[0].parts[0], `"chart"`) || !strings.Contains(list[0].parts[0], "11-24") {
			t.Errorf("%s: %+v", name, list[0])
		}
	}
	hostileChart := digest(bot.ZH)
	for i, s := range hostile() {
		hostileChart.Card.Sections[0].Chart.Points = append(hostileChart.Card.Sections[0].Chart.Points, bot.Point{At: s, Series: s, Value: i})
		hostileChart.Card.Sections[0].Chart.Title = s
	}
	w := setup(t, nil)
	hostileChart.Chat = w.chat
	w.send(t, hostileChart, "k", "")
	m := w.last(t)
	if m.Type != "interactive" || strings.Contains(m.Content, "<at") || strings.Contains(m.Content, "](") || strings.Contains(m.Content, "\u202e") {
		t.Errorf("%s", m.Content)
	}
}

// TestC4_EveryCode: each code of the vendor's tables has a meaning of its own,
// and a way on.
func TestC4_EveryCode(t *testing.T) {
	t.Parallel()
	for kind, codes := range map[fault.Kind][]int{
		fault.Limited:     {99991400, 230020, 11232},
		fault.Unavailable: {230049},
		fault.Credential:  {99991661, 99991663, 99991664, 99991671, 99991672, 99991676, 230027, 230006, 234007, 99991401, 10014, 99991662, 99991673},
		fault.Denied:      {230002, 230013, 230053, 230018, 230035, 230050, 230022, 230028},
		fault.NotFound:    {230011, 230110, 230019, 99992354, 232009, 99992351, 230034},
		fault.Invalid:     {230025, 230099, 11310, 300305, 234006, 234010},
	} {
		for _, code := range codes {
			f := meaning(code)
			if f == nil || f.Kind != kind {
				t.Errorf("%d means %v", code, f)
				continue
			}
			if en, zh := fault.In(f.Say, "en"), fault.In(f.Say, "zh"); en == zh || en == "" || zh == "" {
				t.Errorf("%d: %q", code, f.Say)
			}
		}
	}
}

// TestStorms: what the platform does on a bad day loses nothing, and everything
// that comes twice bears the same id.
func TestStorms(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	var events []feishusim.Event
	for i := range 20 {
		events = append(events, w.say(t, feishusim.Words{Text: fmt.Sprintf("@点名 状态 %d", i)}))
	}
	slices.Reverse(events) // out of order
	w.sim.DropAcks(5)
	again := 0
	for _, e := range events {
		for {
			_, err := w.sim.Post(t.Context(), w.target, e, feishusim.Forgery{})
			if !errors.Is(err, feishusim.ErrNoAck) {
				break
			}
			again++
			w.clock.add(feishusim.Retries()[0])
			e = w.sim.Renew(e)
		}
	}
	ids := map[string]int{}
	for _, m := range w.inbox.all() {
		ids[m.ID]++
	}
	if got := len(w.inbox.all()); len(ids) != 20 || again != 5 || got != 25 {
		t.Errorf("%d messages in %d deliveries, %d lost acks", len(ids), got, again)
	}
}

// TestThrottle: the real rates of a group, and the waits that they ask for.
func TestThrottle(t *testing.T) {
	t.Parallel()
	w := setup(t, func(so *feishusim.Options, _ *Options) { so.NoLimits = false })
	sent := 0
	for i := range 12 {
		_, err := w.Send(t.Context(), approval(w.chat), fmt.Sprint("k", i), "")
		for tries := 0; fault.KindOf(err) == fault.Limited && tries < 3; tries++ {
			w.clock.add(fault.After(err))
			_, err = w.Send(t.Context(), approval(w.chat), fmt.Sprint("k", i), "")
		}
		if err != nil {
			t.Fatal(err)
		}
		sent++
	}
	if n := len(w.sim.Messages(w.chat)); n != sent {
		t.Errorf("%d of %d", n, sent)
	}
	for _, p := range w.Pace(bot.Outgoing{Live: "x"}) {
		if p.N <= 0 || p.Per < time.Second || p.Scope == "" {
			t.Errorf("%+v", p)
		}
	}
	if len(w.Pace(bot.Outgoing{})) != 3 || len(w.Pace(bot.Outgoing{Live: "x"})) != 4 {
		t.Error("paces")
	}
}
