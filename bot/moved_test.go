package bot

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// safe is an engine that stops flows.
type safe struct {
	*service
	stopped []string
}

func (s *safe) SafetyStop(_ context.Context, flow, why string) error {
	s.stopped = append(s.stopped, flow+": "+why)
	return nil
}

// A17: a room that nobody bound is greeted once, with its id, and nothing works
// there.
func TestA17_AStrangeRoomIsGreetedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 3 {
		w.b.Moved(t.Context(), run.Feishu, "oc_strange", true)
	}
	got := w.settle()
	if len(got) != 1 || got[0].o.Chat != "oc_strange" || !strings.Contains(texts(got), "本群：飞书 oc_strange") {
		t.Fatalf("greeted with %s", texts(got))
	}
	if got := texts(w.say("Li Min", "strange", "同步 hr-to-wecom")); len(w.service.order) != 0 || !strings.Contains(got, "还没有绑定") {
		t.Errorf("%d runs; %s", len(w.service.order), got)
	}
	w.b.Moved(t.Context(), run.Feishu, "oc_strange", false)
	w.b.Moved(t.Context(), run.Feishu, "oc_ops", true)
	w.b.Moved(t.Context(), run.Feishu, "", true)
	if got := w.settle(); len(got) != 0 {
		t.Errorf("said %s", texts(got))
	}
}

// A37: a bot that is taken out of a room tells the others, and a flow without a
// room is stopped.
func TestA37_TheBotIsTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	engine := &safe{service: w.service}
	w.b.o.Service, w.b.o.AdminRoom = engine, "board"
	chats := map[string]run.Platform{"oc_ops": run.Feishu, "oc_wall": run.Feishu, "cidTeam": run.DingTalk}
	for _, chat := range []string{"oc_ops", "oc_wall"} {
		w.b.Moved(t.Context(), chats[chat], chat, false)
		w.b.Moved(t.Context(), chats[chat], chat, false) // the platform says it twice
		got := w.settle()
		if len(got) != 1 || got[0].o.Chat != "oc_board" || got[0].o.Card.Tone != Danger || len(engine.stopped) != 0 {
			t.Fatalf("%s: told %s, stopped %v", chat, texts(got), engine.stopped)
		}
	}
	w.b.rooms[place{run.Feishu, "oc_board"}].Flows = nil // board hears of no flow
	w.b.Moved(t.Context(), run.DingTalk, "cidTeam", false)
	if got := texts(w.settle()); len(engine.stopped) != 1 || !strings.HasPrefix(engine.stopped[0], "hr-to-wecom: ") || !strings.Contains(engine.stopped[0], " / ") || !strings.Contains(got, "resume hr-to-wecom") {
		t.Errorf("stopped %v, told %s", engine.stopped, got)
	}
	w.b.Moved(t.Context(), run.Feishu, "oc_wall", true)
	w.b.Moved(t.Context(), run.DingTalk, "cidTeam", false)
	if len(engine.stopped) != 1 {
		t.Errorf("with a room again: stopped %v", engine.stopped)
	}
}

// Without an admin room the other rooms of the flow hear it.
func TestA37_WithoutAnAdminRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.Moved(t.Context(), run.Feishu, "oc_wall", false)
	var chats []string
	for _, s := range w.settle() {
		chats = append(chats, s.o.Chat)
	}
	slices.Sort(chats)
	if want := []string{"cidTeam", "oc_board", "oc_ops"}; !slices.Equal(chats, want) {
		t.Errorf("told in %v, want %v", chats, want)
	}
}

// The quota of a month is counted, told at 80 and 95 percent, and kept for what
// matters.
func TestDingTalkQuota(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.Quota, w.b.o.AdminRoom = 20, "ops"
	n := 0
	send := func(o Outgoing) []sent {
		n++
		o.Platform, o.Chat = run.DingTalk, "cidTeam"
		w.post(fmt.Sprint("m", n), o)
		return w.settle()
	}
	var alarms []int
	for i := range 20 {
		got := send(Outgoing{Card: Card{Title: "x"}})
		if slices.ContainsFunc(got, func(s sent) bool { return s.o.Chat == "oc_ops" && strings.Contains(s.o.Card.Title, "额度") }) {
			alarms = append(alarms, i+1)
		}
	}
	if !slices.Equal(alarms, []int{16, 19}) {
		t.Errorf("told after %v messages", alarms)
	}
	if got := send(Outgoing{Card: Card{Title: "报告"}}); len(got) != 0 || len(w.heldLines("team")) != 1 {
		t.Errorf("above the quota: %s; kept %v", texts(got), w.heldLines("team"))
	}
	for name, o := range map[string]Outgoing{"ask": {Asks: "7K3MQ2"}, "answer": {Answer: true}, "failure": {Card: Card{Tone: Danger}}} {
		if got := send(o); len(got) != 1 {
			t.Errorf("%s above the quota: %d messages", name, len(got))
		}
	}
	if got := texts(w.say("Li Min", "ops", "状态")); !strings.Contains(got, "钉钉本月消息：23 / 20（115%）") {
		t.Errorf("status: %s", got)
	}
	if got := texts(w.say("Li Min", "team", "status")); !strings.Contains(got, "DingTalk messages this month: 23 of 20") {
		t.Errorf("status: %s", got)
	}
	w.clock = w.clock.AddDate(0, 1, 0)
	if got := send(Outgoing{Card: Card{Title: "x"}}); len(got) != 1 {
		t.Errorf("next month: %d messages", len(got))
	}
	if got := w.mail.record.tallies; got["dingtalk:app:2026-10"] != 24 || got["dingtalk:app:2026-11"] != 1 {
		t.Errorf("counted %v", got)
	}
	w.b.o.Quota = 0
	if _, ok := w.b.quota(t.Context(), ZH); ok {
		t.Error("an unwatched quota is shown")
	}
	w.clock = w.clock.Add(time.Hour)
}
