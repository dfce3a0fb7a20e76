package bot

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

func (w *world) mutes(room string, until time.Time) {
	w.t.Helper()
	value, err := json.Marshal(map[string]time.Time{"until": until})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.mail.Set(w.t.Context(), run.Setting{Kind: run.SetMute, Name: room, Value: value}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) heldLines(room string) []string {
	w.t.Helper()
	var lines []string
	if s, there := w.mail.record.settings["held"][room]; there {
		if err := json.Unmarshal(s.Value, &lines); err != nil {
			w.t.Fatal(err)
		}
	}
	return lines
}

// U24: what a quiet room does not hear is kept for its digest; what matters is
// said.
func TestU24_QuietRooms(t *testing.T) {
	t.Parallel()
	ordinary := func() Outgoing {
		o := toOps("成功 7K3MQ2")
		o.Ordinary = true
		return o
	}
	asks, alone, robot, unbound := ordinary(), ordinary(), ordinary(), ordinary()
	asks.Ordinary, asks.Asks = false, "7K3MQ2"
	alone.To = "ou_limin"
	robot.Chat, robot.Robot = "", "ops-hook"
	unbound.Chat = "oc_nowhere"
	for name, c := range map[string]struct {
		quiet func(time.Time) bool
		mute  time.Duration // of ops, from now
		o     Outgoing
		held  bool
	}{
		"loud":                    {o: ordinary()},
		"quiet hours":             {quiet: func(time.Time) bool { return true }, o: ordinary(), held: true},
		"not in quiet hours":      {quiet: func(time.Time) bool { return false }, o: ordinary()},
		"muted":                   {mute: time.Hour, o: ordinary(), held: true},
		"muted until a while ago": {mute: -time.Second, o: ordinary()},
		"a request for a vote":    {mute: time.Hour, o: asks},
		"a failure":               {mute: time.Hour, o: toOps("失败")},
		"to a person alone":       {mute: time.Hour, o: alone},
		"the room's webhook":      {mute: time.Hour, o: robot, held: true},
		"a room of nobody":        {mute: time.Hour, quiet: func(time.Time) bool { return true }, o: unbound},
	} {
		w := newWorld(t)
		w.b.o.Quiet = c.quiet
		if c.mute != 0 {
			w.mutes("ops", w.clock.Add(c.mute))
		}
		w.post("x", c.o)
		got, lines := w.sendOnce(), w.heldLines("ops")
		if c.held && (len(got) != 0 || len(lines) != 1 || !strings.Contains(lines[0], "成功 7K3MQ2") || w.mail.gone["x"] != "held") {
			t.Errorf("%s: sent %d, kept %q, %q", name, len(got), lines, w.mail.gone["x"])
		}
		if !c.held && (len(got) != 1 || len(lines) != 0) {
			t.Errorf("%s: sent %d, kept %q", name, len(got), lines)
		}
	}
}

// A card that stands in a muted room does not go on looking alive, and a command
// is answered there.
func TestAMutedRoomIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.mutes("ops", w.clock.Add(time.Hour))
	if got := w.say("Li Min", "ops", "状态"); len(got) != 1 {
		t.Errorf("%d answers", len(got))
	}
	for v := range int64(2) {
		o := toOps("x")
		o.Live, o.Version, o.Ordinary = "card:X:oc_ops", v+1, v > 0
		w.post(fmt.Sprint("v", v), o)
		if got := w.sendOnce(); len(got) != 1 {
			t.Errorf("drawing %d: %d", v, len(got))
		}
	}
}
