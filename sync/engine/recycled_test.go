package engine_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestS11_AnAccountMadeByHandUnderAnOldIDIsNobodysOfOurs: somebody has left and the account
// was deleted by hand. Another system, or a person, gives the id to somebody else: who is
// not disabled for that.
func TestS11_AnAccountMadeByHandUnderAnOldIDIsNobodysOfOurs(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*world){
		"gone":           func(w *world) { w.source.drop(directory.User, "0007") },
		"left by status": quits,
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

func quits(w *world) {
	w.source.put(directory.User, "0007", "人0007", directory.Attributes{"employee_no": directory.TextOf("0007"), "status": directory.TextOf("离职")})
}

// TestS11_AnAccountThatShowsSomebodyElseIsLookedAt: deleted and made again by hand before
// any run saw that it was gone, or changed by hand all over: nobody can tell, so that it
// needs a vote where a DISABLE needs none.
func TestS11_AnAccountThatShowsSomebodyElseIsLookedAt(t *testing.T) {
	t.Parallel()
	gone := func(w *world) { w.source.drop(directory.User, "0007") }
	for name, c := range map[string]struct {
		leave      func(*world)
		name, mail string
		asks       bool
	}{
		"somebody else":                     {gone, "外聘顾问", "guest@x.cn", true},
		"somebody else, left by status":     {quits, "外聘顾问", "guest@x.cn", true},
		"a remark was put to the name":      {gone, "人0007（离职）", "u0007@x.cn", false},
		"only a name is shown, and another": {quits, "外聘顾问", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 30, func(w *world) {
				w.flow.Plan.Approve.DisableOver = 5
				w.flow.Plan.Leavers.When = map[string][]string{"status": {"离职"}}
			}, func(w *world) {
				w.want(w.until(w.start(true).Code), run.Succeeded)
				c.leave(w)
				more := directory.Attributes{"userid": directory.TextOf("0007")}
				if c.mail != "" {
					more["email"] = directory.TextOf(c.mail)
				}
				w.target.put(directory.User, "0007", c.name, more)
				r := w.until(w.start(true).Code)
				p := w.plan(r.Code)
				asks := slices.ContainsFunc(p.Risk.Reasons, func(f plan.Finding) bool { return f.Code == plan.FindStranger && f.Tier == 1 && f.What == "人0007" })
				if r.Counts.Disable != 1 || asks != c.asks || (r.State == run.Awaiting) != c.asks || w.target.active("0007") != c.asks {
					w.t.Errorf("run is %s, %+v, %+v", r.State, r.Counts, p.Risk)
				}
				if says := strings.Contains(p.Changes[0].Reason, "is 外聘顾问 now"); says != c.asks {
					w.t.Errorf("reason %q", p.Changes[0].Reason)
				}
			})
		})
	}
}
