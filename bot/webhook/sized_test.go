package webhook_test

import (
	"fmt"
	"testing"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/webhook"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// TestPartsAreCountedBefore: as many messages are counted as are then said.
func TestPartsAreCountedBefore(t *testing.T) {
	t.Parallel()
	for _, lines := range []int{0, 100, 1000} {
		c := newClock()
		s := wecomsim.New(wecomsim.Options{Now: c.now})
		s.AddRobot(canary)
		r := robot(t, c, s.Handler(), webhook.Options{Type: run.WeCom})
		o := digest()
		for i := range lines {
			o.Card.Sections[0].Lines = append(o.Card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("第 %d 人：王磊（华东销售部）", i)}})
		}
		n := r.Messages(o)
		if err := r.Send(t.Context(), o); err != nil {
			t.Fatal(lines, err)
		}
		if got := len(s.RobotMessages(canary)); got != n || (lines > 0) != (n > 1) {
			t.Errorf("%d lines: %d messages were said, %d foretold", lines, got, n)
		}
	}
}
