package matrix

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestG10_SuccessWithoutAnEffect: the target says that it was done, and did nothing.
// A DISABLE or DELETE is believed only when the target shows it: else it is in doubt,
// and three in a row end the run. Of a CREATE or UPDATE the report says done, as the
// target did; the next plan has them all, and no account is lost by it.
func TestG10_SuccessWithoutAnEffect(t *testing.T) {
	t.Parallel()
	infirmary(t, 10, nil, func(d *ward) {
		for nth, place := range []string{"first", "middle", "last"} {
			if nth > 0 {
				d.next()
			}
			o := d.under(first(at(nth), ruling{lie: true})).hit(place, len(d.kinds())).state(place, run.Partial)
			d.lied(place, o)
			d.left(place, o.missing())
		}
		d.next()
		name := "every one"
		o := d.under(first(every, ruling{lie: true})).state(name, run.Failed)
		d.lied(name, o)
		if got := o.steps("")[run.StepInDoubt]; got != 3 {
			d.t.Errorf("%s: the run ends after %d lies about accounts that are to go, want 3", name, got)
		}
		d.left(name, o.missing())
	})
}

// lied looks at a run whose target did not do what it said: just the journal of
// creates and updates may be wrong.
func (d *ward) lied(name string, o *outcome) {
	d.t.Helper()
	for i := range o.plan.Changes {
		c := &o.plan.Changes[i]
		e, destructive := o.entries[c.Seq], c.Op == plan.Disable || c.Op == plan.Delete
		if destructive && e.Step == run.StepDone && o.effects[c.Seq] == 0 {
			d.t.Errorf("%s: %s %s is done, and the target shows nothing of it", name, c.Op, c.Key)
		}
	}
	o.wrong = slices.DeleteFunc(o.wrong, func(w string) bool {
		return strings.HasPrefix(w, "I2: 0 effects: ") && strings.Contains(w, " is done ") && (strings.Contains(w, " CREATE ") || strings.Contains(w, " UPDATE "))
	})
	o.sound(name)
}

// TestG11_ChangedByHandSinceThePlan: what somebody changed between the plan and its
// apply is left alone, with a reason; the rest is done.
func TestG11_ChangedByHandSinceThePlan(t *testing.T) {
	t.Parallel()
	infirmary(t, 11, nil, func(d *ward) {
		in := d.keyOf(unitKeyOf("d0")).ID
		for nth, place := range []string{"first", "middle", "last"} {
			if nth > 0 {
				d.next()
			}
			r := d.ask()
			made, err := d.store.Plan(d.t.Context(), r.Code)
			check(d.t, err)
			counts, touched, want := map[string]int{}, map[int]bool{}, map[string]int{}
			for i := range made.Changes {
				c := &made.Changes[i]
				kind := what(c.Key.Kind, c.Op)
				counts[kind]++
				if counts[kind] != nth+1 || c.Op == plan.Create && c.Key.ID == "" {
					continue // where the target gives the ids, one that appears is nobody that the plan knows
				}
				touched[c.Seq] = true
				if c.Op != plan.Create {
					want[kind]++
					d.post.rename(c.Key, fmt.Sprintf("手工改%d号", 100*nth+c.Seq))
					continue
				}
				want[what(c.Key.Kind, plan.Adopt)]++
				d.post.occupy(d.sourceOf(c.Key.Kind, c.After), in)
			}
			o := d.decide(r, nil).sound(place).state(place, run.Partial)
			for i := range o.plan.Changes {
				c := &o.plan.Changes[i]
				step := run.StepDone
				if touched[c.Seq] {
					step = run.StepSkipped
				}
				if e := o.entries[c.Seq]; e.Step != step {
					d.t.Errorf("%s: #%d %s %s is %s, want %s: %s", place, c.Seq, c.Op, c.Key, e.Step, step, e.Say)
				}
			}
			if len(touched) == 0 {
				d.t.Errorf("%s: nothing was changed by hand", place)
			}
			d.left(place, want)
		}
	})
}

// TestG12_AnotherOneIsDeleted: a target that deletes somebody else is caught by the
// checker of all these tests; and our own requests name whom they mean, and nobody
// else whom we keep.
func TestG12_AnotherOneIsDeleted(t *testing.T) {
	t.Parallel()
	infirmary(t, 12, nil, func(d *ward) {
		o := d.under(nil).sound("the control").state("the control", run.Succeeded)
		d.named(o)
		d.settled("the control")
		d.next()
		victim := d.keyOf(userKey(number(5)))
		name := "another one"
		o = d.under(func(k *knock) ruling {
			if k.sending == nil || !k.write || k.what() != what(directory.User, plan.Delete) || k.nth != 1 || k.time != 1 {
				return ruling{}
			}
			return ruling{swap: [2]string{string(k.Key.ID), string(victim.ID)}}
		}).hit(name, 1)
		caught, unseen := false, false
		for _, w := range o.wrong {
			caught = caught || strings.HasPrefix(w, "I1, I12: ") && strings.Contains(w, "delete "+victim.String())
			unseen = unseen || strings.HasPrefix(w, "I2: 0 effects: ") && strings.Contains(w, " is done ")
		}
		if !caught {
			d.t.Errorf("%s: the checker does not see that %s was deleted: %v", name, victim, o.wrong)
		}
		// The engine looks after a deletion, and so the journal does not say that it was done.
		if unseen || o.run.State != run.Partial {
			d.t.Errorf("%s: the run is %s: %v", name, o.run.State, o.wrong)
		}
		want := o.missing()
		want[what(directory.User, plan.Create)]++
		d.left(name, want)
	})
}

// named sees that each request to delete has the id of its own object, and of no
// other that the flow has.
func (d *ward) named(o *outcome) {
	d.t.Helper()
	if d.name == "ldap" {
		return // a deletion has a name, and the log of the server knows whose
	}
	links, err := d.store.Links(d.t.Context(), "flow")
	check(d.t, err)
	deletions := 0
	for _, k := range o.writes() {
		if k.sending == nil || k.Op != plan.Delete {
			continue
		}
		deletions++
		text := k.line + k.body
		if !strings.Contains(text, string(k.Key.ID)) {
			d.t.Errorf("a deletion of %s does not name it: %s", k.Key, text)
		}
		for i := range links {
			if id := links[i].Target; links[i].Live() && id.Kind == directory.User && k.Key.Kind == directory.User && strings.Contains(text, string(id.ID)) {
				d.t.Errorf("a deletion of %s names %s: %s", k.Key, id, text)
			}
		}
	}
	if deletions == 0 {
		d.t.Error("nothing was deleted")
	}
}

// brokenLine is a way in which a connection cannot be made.
type brokenLine struct {
	name string
	dial func(context.Context) (net.Conn, error)
}

// lines are ways in which a connection cannot be made.
func lines() []brokenLine {
	return []brokenLine{
		{"no name", func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "target.test", IsNotFound: true}}
		}},
		{"no connection left", func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EMFILE}
		}},
		{"refused", func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}},
		{"a handshake that hangs", func(ctx context.Context) (net.Conn, error) {
			near, far := net.Pipe()
			defer func() { _ = near.Close() }()
			go func() { _, _ = io.Copy(io.Discard, far) }() // it hears, and says nothing
			return nil, tls.Client(near, &tls.Config{ServerName: "target.test", MinVersion: tls.VersionTLS12}).HandshakeContext(ctx)
		}},
	}
}

// TestG13_NoConnection: a target that cannot be reached ends the run soon, with a
// reason. What was not sent is never in doubt, and the next run does it.
func TestG13_NoConnection(t *testing.T) {
	t.Parallel()
	infirmary(t, 13, without("csv", "xlsx", "sql"), func(d *ward) { // a file has no connection
		for i, line := range lines() {
			if i > 0 {
				d.next()
			}
			name := line.name
			changes, reads, writes, fell := len(d.kinds())*each, 0, 0, false
			o := d.under(func(k *knock) ruling {
				// Each way begins elsewhere: at the first look, between a look and its write,
				// in the middle.
				if k.write {
					writes++
				} else {
					reads++
				}
				if fell || k.write || writes < i*changes/4 || reads <= i {
					return ruling{}
				}
				fell = true
				return ruling{after: func() { d.toll.breakLine(line.dial) }}
			}).sound(name).hit(name, 1)
			o.state(name, run.Partial, run.Failed)
			if n := o.steps("")[run.StepInDoubt]; n > 0 {
				d.t.Errorf("%s: %d changes are in doubt, though nothing was sent\n%s", name, n, d.trouble(o.run))
			}
			if o.took > 20*time.Minute {
				d.t.Errorf("%s: the run took %s", name, o.took)
			}
			d.left(name, o.missing())
		}
	})
}
