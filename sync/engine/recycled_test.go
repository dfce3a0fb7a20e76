package engine_test

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestS11_AnAccountMadeByHandUnderAnOldIDIsNobodysOfOurs: somebody has left and the account
// was deleted by hand. Another system, or a person, gives the id to somebody else: who is
// not disabled for that.
func TestS11_AnAccountMadeByHandUnderAnOldIDIsNobodysOfOurs(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*world){
		"gone": func(w *world) { w.source.drop(directory.User, "0007") },
		"left by status": func(w *world) {
			w.source.put(directory.User, "0007", "人0007", directory.Attributes{"employee_no": directory.TextOf("0007"), "status": directory.TextOf("离职")})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, func(w *world) {
				rarely(w)
				w.flow.Plan.Approve.DisableOver = 5
				w.flow.Plan.Leavers.When = map[string][]string{"status": {"离职"}}
			}, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				<-time.After(2 * time.Hour)
				leave(w)
				w.target.drop(directory.User, "0007")
				w.want(w.until(w.start(true).Code), run.NothingToDo)
				w.target.put(directory.User, "0007", "外聘顾问", directory.Attributes{"userid": directory.TextOf("0007")})
				if r := w.until(w.start(true).Code); r.Counts.Disable != 0 || !w.target.active("0007") {
					w.t.Errorf("run is %s, %+v", r.State, r.Counts)
				}
			})
		})
	}
}

// TestALeaverWhomTheTargetShowsLateIsDisabled: what the target does not show for a while,
// or cannot tell of, stays ours.
func TestALeaverWhomTheTargetShowsLateIsDisabled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age  time.Duration
		lose func(*world, *late)
	}{
		"created just now":        {0, func(w *world, _ *late) { w.target.drop(directory.User, "0007") }},
		"missing in a listing":    {2 * time.Hour, func(_ *world, l *late) { l.lacks = "0007" }},
		"the target cannot tell":  {2 * time.Hour, func(w *world, l *late) { l.lacks, w.target.unsure = "0007", true }},
		"the target shows nobody": {2 * time.Hour, func(w *world, _ *late) { w.target.mu.Lock(); clear(w.target.objects); w.target.mu.Unlock() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l *late
			story(t, 30, func(w *world) {
				rarely(w)
				l = &late{place: w.target}
				w.flow.Target = l
			}, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				<-time.After(c.age)
				w.source.drop(directory.User, "0007")
				l.mu.Lock()
				was := maps.Clone(l.objects)
				l.mu.Unlock()
				c.lose(w, l)
				w.until(w.start(false).Code)
				l.mu.Lock()
				l.objects, l.lacks, l.unsure = was, "", false
				l.mu.Unlock()
				if r := w.until(w.start(true).Code); r.Counts.Disable != 1 {
					w.t.Errorf("run is %s (%s), %+v", r.State, r.Reason, r.Counts)
				}
			})
		})
	}
}

// late is a target whose listing lacks somebody whom it shows when asked.
type late struct {
	*place
	lacks directory.ID
}

func (l *late) Read(ctx context.Context) (*directory.Snapshot, error) {
	snap, err := l.place.Read(ctx)
	if err != nil || l.lacks == "" {
		return snap, err
	}
	b := directory.NewBuilder(l.name, l.now())
	b.AddAll(snap, map[directory.Key]bool{{Kind: directory.User, ID: l.lacks}: true})
	out, _ := b.Finish()
	return out, nil
}

var _ connector.Target = (*late)(nil)
