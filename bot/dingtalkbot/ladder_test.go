package dingtalkbot_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

var update = flag.Bool("update", false, "write the golden files")

const groupPath = "/v1.0/robot/groupMessages/send"

// TestLadder: each refusal is one step down, and the log tells where it ended.
func TestLadder(t *testing.T) {
	t.Parallel()
	plain := bot.Card{Title: "没有这个命令", Plain: true}
	for _, tt := range []struct {
		card     bot.Card
		refusals int
		kind     string
		step     string
	}{
		{ask(), 0, "actionCard", "actionCard"},
		{ask(), 1, "markdown", "markdown"},
		{ask(), 2, "text", "text"},
		{ask(), 3, "text", "title"},
		{info(), 1, "text", "text"},
		{plain, 0, "text", "text"},
		{plain, 1, "text", "title"},
	} {
		for _, code := range []string{"something.new", "invalidParameter.msgParam.tooLong", "invalidParameter.msg.unsupport"} {
			w := setup(t)
			if tt.refusals > 0 {
				w.Inject(dingtalksim.Fault{Path: groupPath, Status: 400, Code: code, Times: tt.refusals})
			}
			if _, err := w.bot.Send(t.Context(), out(tt.card), "k", ""); err != nil {
				t.Fatal(err)
			}
			got := w.Messages(room)
			if len(got) != 1 || got[0].Kind != tt.kind || !strings.Contains(w.log.String(), `"step":"`+tt.step+`"`) {
				t.Errorf("%d × %s: %+v %s", tt.refusals, code, got, w.log)
			}
			if lesser := strings.Contains(w.log.String(), "lesser form"); lesser != (tt.refusals > 0) {
				t.Errorf("%d × %s: %s", tt.refusals, code, w.log)
			}
			if tt.kind != "actionCard" && tt.step != "title" && len(tt.card.Buttons) > 0 && !strings.Contains(got[0].Text, "@点名 批准 7K3MQ2 删除=〈") {
				t.Errorf("%s: the commands are missing in %s", tt.step, got[0].Text)
			}
		}
	}
}

// TestCensoredWordsLeaveTheTitle: the title holds nobody's data.
func TestCensoredWordsLeaveTheTitle(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.Inject(dingtalksim.Fault{Path: groupPath, Status: 400, Code: "contain.notAllowed.words"})
	if _, err := w.bot.Send(t.Context(), out(ask()), "k", ""); err != nil {
		t.Fatal(err)
	}
	if got := w.Messages(room); len(got) != 1 || got[0].Kind != "text" || !strings.Contains(got[0].Text, "待批准 7K3MQ2") || strings.Contains(got[0].Text, "新增") {
		t.Errorf("%+v", got)
	}
	if n := len(w.Calls()); n != 3 { // token, refused, title
		t.Errorf("%d calls", n)
	}
}

// TestTooLongIsCut: when the platform's limit is lower than we know, the parts
// become shorter, and nothing is lost.
func TestTooLongIsCut(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.listen(1)
	card := info()
	for i := range 300 {
		card.Sections[0].Lines = append(card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("#%d. 王磊（华东销售部）", i)}})
	}
	w.Inject(dingtalksim.Fault{Path: "/robot/sendBySession", Errcode: 460101})
	if _, err := w.bot.Send(t.Context(), w.answering(card, dingtalksim.SayOptions{}), "k", ""); err != nil {
		t.Fatal(err)
	}
	words := ""
	for _, m := range w.Messages(room) {
		words += m.Text
	}
	if n := len(w.Messages(room)); n < 2 {
		t.Errorf("%d parts", n)
	}
	for i := range 300 {
		if !strings.Contains(words, fmt.Sprintf("#%d. ", i)) {
			t.Fatalf("line %d is lost", i)
		}
	}
	w.innocent()
}

// TestPartsGoOnWhereTheyBrokeOff: the platform has no key against doubles.
func TestPartsGoOnWhereTheyBrokeOff(t *testing.T) {
	t.Parallel()
	w := setup(t)
	card := info()
	for i := range 600 {
		card.Sections[0].Lines = append(card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("#%d. 王磊（华东销售部）", i)}})
	}
	w.Inject(dingtalksim.Fault{Path: groupPath, Late: true, Status: 200, Body: "{}"})
	w.Inject(dingtalksim.Fault{Path: groupPath, Status: 400, Code: "send.too.fast"})
	if _, err := w.bot.Send(t.Context(), out(card), "k", ""); fault.KindOf(err) != fault.Limited {
		t.Fatal(err)
	}
	if n := len(w.Messages(room)); n != 1 {
		t.Fatalf("%d parts", n)
	}
	if _, err := w.bot.Send(t.Context(), out(card), "k", ""); err != nil {
		t.Fatal(err)
	}
	all := w.Messages(room)
	for i, m := range all {
		if !strings.HasSuffix(m.Text, fmt.Sprintf("（%d/%d）", i+1, len(all))) {
			t.Errorf("%d of %d ends %q", i, len(all), m.Text[max(0, len(m.Text)-30):])
		}
	}
}

// TestABrokenTemplateIsLeftAlone: each try would cost a call of the quota.
func TestABrokenTemplateIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	w.AddDraft(template)
	tried := func() int {
		n := 0
		for _, c := range w.Calls() {
			if strings.HasSuffix(c.Path, "createAndDeliver") {
				n++
			}
		}
		return n
	}
	for range 3 {
		if _, err := w.bot.Send(t.Context(), live(ask()), "k", ""); err != nil {
			t.Fatal(err)
		}
	}
	if tried() != 1 || len(w.Messages(room)) != 3 {
		t.Errorf("tried %d times, %d messages", tried(), len(w.Messages(room)))
	}
	w.AddTemplate(template)
	w.clock.advance(11 * time.Minute)
	if place, err := w.bot.Send(t.Context(), live(ask()), "k2", ""); err != nil || place == "" || tried() != 2 {
		t.Errorf("%q %v, tried %d times", place, err, tried())
	}
}

// TestPace: the paces that are told are those that the platform keeps.
func TestPace(t *testing.T) {
	t.Parallel()
	w := setup(t, withTemplate)
	for _, o := range []bot.Outgoing{out(info()), live(info())} {
		list := w.bot.Pace(o)
		if len(list) != 2 || list[0] != (bot.Pace{Scope: bot.PaceApp, N: 20, Per: time.Second}) {
			t.Errorf("%+v", list)
		}
	}
	if p := w.bot.Pace(out(info()))[1]; p.Scope != bot.PaceChat || p.N > 20 || p.Per != time.Minute {
		t.Errorf("%+v", p)
	}
	if p := w.bot.Pace(live(info()))[1]; p.Scope != bot.PaceMessage {
		t.Errorf("%+v", p)
	}
}

// TestStorms: lost acknowledgements and repeats bring the same id again.
func TestStorms(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *dingtalkbot.Options, so *dingtalksim.Options) { so.AckWithin = 100 * time.Millisecond })
	w.listen(2)
	w.DropAcks(3)
	ids := map[string]int{}
	for i := range 6 {
		d, err := w.Say(t.Context(), room, "u1", fmt.Sprint("状态 ", i), dingtalksim.SayOptions{Duplicate: i%2 == 0})
		if errors.Is(err, dingtalksim.ErrNoAck) {
			_, err = w.Redeliver(t.Context(), d.MessageID)
		}
		for errors.Is(err, dingtalksim.ErrNoAck) {
			_, err = w.Redeliver(t.Context(), d.MessageID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range w.box.messages() {
		ids[m.ID]++
	}
	if len(ids) != 6 {
		t.Errorf("%v", ids)
	}
}

// TestGoldens keeps what goes over the wire, for each kind of card, way and
// language.
func TestGoldens(t *testing.T) {
	t.Parallel()
	english := ask()
	english.Title, english.Sections[0].Title = "Waiting 7K3MQ2 · delete 3", "Progress"
	english.Buttons = []bot.Button{
		{Label: "Approve", Command: "approve 7K3MQ2", Digest: "d1", Inputs: []bot.Input{{Name: "delete", Label: "people to delete", Required: true}}},
		{Label: "Reject", Command: "reject 7K3MQ2", Digest: "d1"},
	}
	chart := bot.Section{Title: "入职和离职", Chart: &bot.Chart{Points: []bot.Point{{At: "11-25", Series: "入职", Value: 3}}}, Lines: []bot.Line{{{Text: "11-25 入职 3"}}}}
	digest := bot.Card{Title: "日报 · 11-25", Tone: bot.Info, Sections: []bot.Section{chart}}
	for name, o := range map[string]bot.Outgoing{
		"approval.zh-CN": out(ask()), "approval.en": {Lang: bot.EN, Chat: room, Card: english}, "progress.zh-CN": out(info()),
		"digest.zh-CN": out(digest), "plain.zh-CN": out(bot.Card{Title: "没有这个命令", Plain: true}),
	} {
		for _, way := range []string{"robot", "card"} {
			w := setup(t, withTemplate)
			if o.Live = ""; way == "card" {
				o.Live = "card:7K3MQ2:" + room
			}
			if _, err := w.bot.Send(t.Context(), o, "golden", ""); err != nil {
				t.Fatal(err)
			}
			body := w.Calls()[len(w.Calls())-1].Body
			var got bytes.Buffer
			if err := json.Indent(&got, body, "", "  "); err != nil {
				t.Fatal(err)
			}
			got.WriteByte('\n')
			path := filepath.Join("testdata", name+"."+way+".json")
			if *update {
				if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil || !bytes.Equal(want, got.Bytes()) {
				t.Errorf("%s differs (%v); got:\n%s", path, err, &got)
			}
		}
	}
}
