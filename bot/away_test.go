package bot

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// away is a platform that nothing reaches until a time.
type away struct {
	*platform
	now   func() time.Time
	until time.Time
	tries int
}

func (a *away) Send(ctx context.Context, o Outgoing, idem, at string) (string, error) {
	if a.now().Before(a.until) {
		a.tries++
		return "", fault.New(fault.Unavailable, "no answer / 没有回答")
	}
	return a.platform.Send(ctx, o, idem, at)
}

// TestP13_TheChatPlatformIsAwayForTenMinutes: while an approval waits, or after the
// changes were made. What was decided elsewhere counts, what was done is kept, and
// when the platform is back who asked is told the end, once.
func TestP13_TheChatPlatformIsAwayForTenMinutes(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]run.State{"in the approval": run.Awaiting, "after the changes": run.Applying} {
		for webhook, works := range map[string]bool{"no webhook": false, "a webhook": true} {
			t.Run(name+", "+webhook, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				if !works {
					w.b.o.Flows[0].Rooms = []string{"ops"}
					w.b.named["ops"].Webhook = ""
				}
				a := &away{platform: w.feishu, now: func() time.Time { return w.clock }}
				w.b.platforms[run.Feishu] = a
				leave := func() { a.until = w.clock.Add(10 * time.Minute) }
				var got []sent
				pass := func(d time.Duration) {
					for end := w.clock.Add(d); w.clock.Before(end); w.clock = w.clock.Add(5 * time.Second) {
						got = append(got, w.settle()...)
					}
				}
				got = append(got, w.say("Li Min", "ops", "同步 hr-to-wecom")...)
				code := run.Code(w.code())
				if gone == run.Awaiting {
					leave()
				}
				w.service.planned(code, aPlan(), run.Awaiting)
				pass(3 * time.Minute)
				if gone == run.Awaiting && slices.ContainsFunc(got, func(s sent) bool { return s.by == "feishu" && strings.Contains(s.text(), "待批准") }) {
					t.Fatal("it is not away")
				}
				// From the terminal: no chat is needed for it.
				for _, by := range []string{"Zhou Kai", "Chen Yue"} {
					_, err := w.service.Decide(t.Context(), run.Vote{
						Run: code, Decision: run.Approve, By: run.Actor{Person: by, Platform: run.CLI, Channel: run.FromCLI}, Typed: run.Restated{Delete: 3, Disable: 2, Total: -1},
					})
					if err != nil && by == "Zhou Kai" {
						t.Fatal(err)
					}
				}
				w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Applying })
				if gone == run.Applying {
					pass(time.Minute)
					leave()
				}
				w.service.move(code, run.EventMoved, func(r *run.Run) { r.State, r.Outcome = run.Succeeded, run.Outcome{Done: 7} })
				pass(40 * time.Minute)
				if a.tries == 0 || a.tries > 400 {
					t.Errorf("%d tries in ten minutes", a.tries)
				}
				final, cards := 0, map[string]int64{}
				for _, s := range got {
					if s.by != "feishu" || s.o.Chat != "oc_ops" {
						continue
					}
					if slices.Contains(s.o.Mention, "ou_limin") && strings.Contains(s.text(), "成功 7") {
						final++
					}
					if s.o.Live != "" && s.o.Version < cards[s.o.Live] {
						t.Errorf("card %s goes back to version %d", s.o.Live, s.o.Version)
					}
					cards[s.o.Live] = max(cards[s.o.Live], s.o.Version)
				}
				if told := slices.ContainsFunc(got, func(s sent) bool { return s.by == "hook" && strings.Contains(s.text(), "成功 7") }); final != 1 || told {
					t.Errorf("the end is told %d times, by the webhook as well: %v\n%s", final, told, texts(got))
				}
				for id, how := range w.mail.gone {
					if strings.HasPrefix(how, "failed") {
						t.Errorf("letter %s is given up: %s", id, how)
					}
				}
				if r, err := w.service.get(code); err != nil || r.State != run.Succeeded || r.Outcome.Done != 7 {
					t.Errorf("the result is %+v, %v", r, err)
				}
			})
		}
	}
}

// TestP14_APanicWhileARunIsDrawnKeepsNobodyWaiting: neither what tells of other runs
// nor the answers of others, nor does the person who asked go without one.
func TestP14_APanicWhileARunIsDrawnKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.awaits(aPlan())
	second := w.scheduled()
	w.b.o.Service = &brittle{Service: w.service, code: first}
	w.service.move(first, run.EventMoved, func(r *run.Run) { r.State = run.Applying })
	w.service.planned(second, aPlan(), run.Awaiting)
	if got := texts(w.settle()); !strings.Contains(got, string(second)) {
		t.Errorf("the other run is not told of:\n%s", got)
	}
	if got := texts(w.say("Wu Di", "ops", "状态 "+string(first))); !strings.Contains(got, "出错了，没有继续执行") {
		t.Errorf("who asked is told\n%s", got)
	}
	if got := texts(w.say("Wu Di", "ops", "状态 "+string(second))); !strings.Contains(got, string(second)) {
		t.Errorf("the next is told\n%s", got)
	}
	if n, err := w.mail.Unhandled(t.Context(), 9); err != nil || len(n) != 0 {
		t.Errorf("%d messages are left, %v", len(n), err)
	}
}

// brittle panics when it is asked for one run.
type brittle struct {
	Service
	code run.Code
}

func (b *brittle) Get(ctx context.Context, code run.Code) (run.Run, *plan.Plan, error) {
	if code == b.code {
		panic("planted")
	}
	return b.Service.Get(ctx, code)
}
