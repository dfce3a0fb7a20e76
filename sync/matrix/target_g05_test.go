package matrix

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// groupedPost is a service of SCIM whose people are in groups: somebody who is
// created is two writes.
type groupedPost struct{ *scimPost }

func (s groupedPost) specs() (users, departments *mapping.Spec) { return s.spec(payrollWords()) }

func (s groupedPost) aside(x deed) bool {
	g, _ := s.sim.Group(string(x.key.ID))
	return x.verb == "write" && text(g, "displayName") == "总部"
}

func newGroupedPost(t *testing.T, now func() time.Time) post {
	t.Helper()
	p, _ := newSCIMPost(t, now).(*scimPost)
	return groupedPost{p}
}

// TestG05_HalfOfAChangeIsDone: Rollcall sends no batches, but one change can be
// several requests. When a later one of them fails, or its answer is lost, what was
// done is not done again, and what was not is.
func TestG05_HalfOfAChangeIsDone(t *testing.T) {
	t.Parallel()
	for _, k := range []postKind{{"scim", newGroupedPost}, {"ldap", newLDAPPost}} {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			admit(t, k, func(d *ward) { d.halves() })
		})
	}
}

func (d *ward) halves() {
	// The second request puts somebody into the group, or gives the title to who has
	// moved.
	of := what(directory.User, plan.Create)
	if d.name == "ldap" {
		of = what(directory.User, plan.Update)
	}
	again := func(w string) bool {
		// An UPDATE sets values (design.md §6): the half that was done may be set again.
		var n, seq int
		_, err := fmt.Sscanf(w, "I2: %d effects: #%d UPDATE", &n, &seq)
		return err == nil && n == 2 && of == what(directory.User, plan.Update)
	}
	for i, c := range []struct {
		name string
		r    ruling
	}{
		{"the second is refused", ruling{status: http.StatusServiceUnavailable}},
		{"the second is lost before", ruling{before: true}},
		{"the answer of the second is lost", ruling{lose: "cut"}},
		{"the answer of the first is lost", ruling{lose: "cut"}},
	} {
		if i > 0 {
			d.next()
		}
		if d.name == "ldap" {
			for n := range each {
				d.pay.set(userKey(number(n+1)), "departments", directory.RefsToKind(directory.Department, directory.ID([]string{"d1", "d0"}[i%2])))
			}
		}
		count := map[string]int{}
		o := d.under(func(k *knock) ruling {
			if k.sending == nil || !k.write || k.what() != of {
				return ruling{}
			}
			count[k.Token]++
			if count[k.Token] == 2 && i < 3 || count[k.Token] == 1 && i == 3 {
				return c.r
			}
			return ruling{}
		}).hit(c.name, each)
		o.wrong = slices.DeleteFunc(o.wrong, again)
		o.sound(c.name).state(c.name, run.Succeeded).want(c.name, run.StepDone)
		if len(d.aside) != each {
			d.t.Errorf("%s: the other half was done %d times, want %d: %v", c.name, len(d.aside), each, d.aside)
		}
		d.settled(c.name)
	}
}

// TestG06_TokensEndAndPermissionsGo: a token that ends is got anew, within the same
// change; a permission that is taken away ends the run with a reason, and the rest is
// left for the next one.
func TestG06_TokensEndAndPermissionsGo(t *testing.T) {
	t.Parallel()
	infirmary(t, 6, nil, func(d *ward) {
		if d.post.expire() {
			name := "the token ends"
			ended := map[string]bool{}
			o := d.under(func(k *knock) ruling {
				if k.sending == nil || !k.write || ended[k.Token] {
					return ruling{}
				}
				ended[k.Token] = true
				return ruling{prior: func() { d.post.expire() }}
			}).sound(name).hit(name, d.hitsOf("every"))
			o.state(name, run.Succeeded).want(name, run.StepDone)
			for _, e := range o.entries {
				if e.Sends != 1 {
					d.t.Errorf("%s: #%d was sent %d times", name, e.Seq, e.Sends)
				}
			}
			d.settled(name)
			d.next()
		}
		for nth, place := range []string{"first", "middle", "last"} {
			if nth > 0 {
				d.next()
			}
			name := "the permission goes at the " + place
			begin := nth * (len(d.kinds())*each - 1) / 2
			var back func()
			changes := 0
			o := d.under(func(k *knock) ruling {
				if k.sending == nil || !k.write || k.time != 1 {
					return ruling{}
				}
				if changes++; changes <= begin {
					return ruling{}
				}
				if changes > begin+1 {
					if back == nil {
						return ruling{status: http.StatusForbidden}
					}
					return ruling{}
				}
				r := ruling{prior: func() { back = d.post.deny() }}
				if d.name == "ldap" || d.name == "csv" || d.name == "xlsx" || d.name == "sql" {
					r.status = http.StatusForbidden
				}
				return r
			}).sound(name).hit(name, 1)
			o.state(name, run.Partial, run.Failed)
			if back != nil {
				back()
			}
			if n := o.steps("")[run.StepDone]; n != begin {
				d.t.Errorf("%s: %d changes are done, want the %d before it", name, n, begin)
			}
			if o.steps("")[run.StepInDoubt] > 0 {
				d.t.Errorf("%s: what was refused is in doubt: %v", name, o.steps(""))
			}
			d.ahead.Add(int64(2 * time.Hour)) // refusals are remembered for a while
			d.left(name, o.missing())
		}
	})
}

// sourceOf finds the source object that a create is for.
func (d *ward) sourceOf(kind directory.Kind, after directory.Attributes) directory.Object {
	d.pay.mu.Lock()
	defer d.pay.mu.Unlock()
	for _, o := range d.pay.objects {
		if o.Kind == kind && o.Attributes["name"].String() == after["name"].String() {
			return o
		}
	}
	return directory.Object{}
}

// other gives a source object another name: another person with the same number.
func other(o directory.Object) directory.Object {
	o.Attributes = o.Attributes.Clone()
	o.Attributes["name"] = directory.TextOf("别人")
	o.Attributes["title"] = directory.TextOf("顾问")
	return o
}

// TestG07_ItExistsAlready: somebody creates the object by hand between our look and
// our create. Nothing is created twice, and another person with the same number is
// taken over by a vote alone (design.md §2.4). One that has our id and shows all that
// was to be written is either taken for ours, as the contract of connectors has it,
// or adopted by a vote as well.
func TestG07_ItExistsAlready(t *testing.T) {
	t.Parallel()
	infirmary(t, 7, nil, func(d *ward) {
		in := d.keyOf(unitKeyOf("d0")).ID
		for i, name := range []string{"the same person", "another person"} {
			if i > 0 {
				d.next()
			}
			another := name == "another person"
			taken := map[string]bool{}
			o := d.under(func(k *knock) ruling {
				// Two groups of SCIM may have one name; departments have nothing but a name.
				skip := k.sending == nil || !k.write || k.Op != plan.Create || k.time != 1
				if skip || k.Key.Kind == directory.Department && (another || d.name == "scim") {
					return ruling{}
				}
				o := d.sourceOf(k.Key.Kind, k.After)
				if another {
					o = other(o)
				}
				taken[k.Token] = true
				return ruling{prior: func() { d.post.occupy(o, in) }}
			}).hit(name, each).state(name, run.Partial, run.Succeeded)
			d.exists(name, o, another, taken)
		}
	})
}

// exists looks at what became of creates whose objects existed already.
func (d *ward) exists(name string, o *outcome, another bool, taken map[string]bool) {
	d.t.Helper()
	want, ours := map[string]int{}, map[int]bool{}
	for i := range o.plan.Changes {
		c := &o.plan.Changes[i]
		if !taken[fmt.Sprintf("%s-%d", strings.ToLower(string(o.run.Code)), c.Seq)] {
			continue
		}
		switch e := o.entries[c.Seq]; {
		case o.effects[c.Seq] != 0:
			d.t.Errorf("%s: %s %s was created beside the one that was there", name, c.Key.Kind, c.Name)
		case e.Step == run.StepFailed:
			want[what(c.Key.Kind, plan.Adopt)]++
		case e.Step == run.StepDone && !another:
			ours[c.Seq] = true
		default:
			d.t.Errorf("%s: %s %s is %s: %s", name, c.Key.Kind, c.Name, e.Step, e.Say)
		}
	}
	if len(want) == 0 && len(ours) == 0 {
		d.t.Errorf("%s: nobody existed already", name)
	}
	o.wrong = slices.DeleteFunc(o.wrong, func(w string) bool {
		var n, seq int
		_, err := fmt.Sscanf(w, "I2: %d effects: #%d CREATE", &n, &seq)
		return err == nil && n == 0 && ours[seq]
	})
	o.sound(name)
	if len(want) == 0 {
		d.settled(name)
		return
	}
	d.adopted(name, want)
}

// adopted sees that the next plan has just these adoptions, and that they end well.
func (d *ward) adopted(name string, want map[string]int) {
	d.t.Helper()
	d.ahead.Add(int64(25 * time.Hour))
	r := d.ask()
	got := map[string]int{}
	made, err := d.store.Plan(d.t.Context(), r.Code)
	check(d.t, err)
	for i := range made.Changes {
		got[what(made.Changes[i].Key.Kind, made.Changes[i].Op)]++
	}
	for kind, n := range want {
		if got[kind] != n {
			d.t.Errorf("%s: the next plan has %v, want %v\n%s", name, got, want, d.trouble(r))
			break
		}
	}
	r = d.vote(r)
	d.judge(r)
	if r.State != run.Succeeded {
		d.t.Errorf("%s: the adoption is %s: %s\n%s", name, r.State, r.Reason, d.trouble(r))
	}
	r = d.vote(d.ask())
	d.judge(r)
	d.settled(name)
}

// TestG08_ItIsGoneAlready: what somebody else has deleted is done, before our look
// and after it.
func TestG08_ItIsGoneAlready(t *testing.T) {
	t.Parallel()
	infirmary(t, 8, nil, func(d *ward) {
		r := d.ask()
		made, err := d.store.Plan(d.t.Context(), r.Code)
		check(d.t, err)
		gone := 0
		for i := range made.Changes {
			if c := &made.Changes[i]; c.Op == plan.Delete {
				d.post.remove(c.Key)
				gone++
			}
		}
		o := d.decide(r, nil).sound("before the look").state("before the look", run.Succeeded)
		if got := o.steps("")[run.StepAlready]; got != gone || gone == 0 {
			d.t.Errorf("%d are there already, want %d: %v", got, gone, o.steps(""))
		}
		d.settled("before the look")

		d.next()
		name := "after the look"
		o = d.under(func(k *knock) ruling {
			if k.sending == nil || !k.write || k.Op != plan.Delete || k.time != 1 {
				return ruling{}
			}
			return ruling{prior: func() { d.post.remove(k.Key) }}
		}).hit(name, gone).state(name, run.Succeeded)
		for i := range o.plan.Changes {
			c := &o.plan.Changes[i]
			if c.Op == plan.Delete && o.effects[c.Seq] != 0 {
				d.t.Errorf("%s: the target deleted %s twice", name, c.Key)
			}
			if step := o.entries[c.Seq].Step; c.Op == plan.Delete && step != run.StepAlready && step != run.StepDone {
				d.t.Errorf("%s: the deletion of %s is %s", name, c.Key, step)
			}
		}
		// Some targets say yes to the deletion of nobody: then the journal says done, and
		// the log has nothing. Nothing else may be wrong.
		o.wrong = slices.DeleteFunc(o.wrong, func(w string) bool { return d.yesToNobody(w) })
		o.sound(name)
		d.settled(name)
	})
}

// yesToNobody tells whether a complaint is about a deletion without an effect.
func (d *ward) yesToNobody(w string) bool {
	var n, seq int
	_, err := fmt.Sscanf(w, "I2: %d effects: #%d DELETE", &n, &seq)
	return err == nil && n == 0
}

// TestG09_ReadsLagBehindWrites: what was written is seen only some time later.
// Answers that were lost are settled all the same, within the settle time of the
// system, and a run that reads too early does nothing twice.
func TestG09_ReadsLagBehindWrites(t *testing.T) {
	t.Parallel()
	infirmary(t, 9, nil, func(d *ward) {
		info := d.target.Describe()
		for i, lag := range []time.Duration{0, 5 * time.Second, 30 * time.Second} {
			lag = min(lag, info.CallTimeout+info.Settle-time.Second) // a file and a database do not lag at all
			if i > 0 {
				d.next()
			}
			name := fmt.Sprintf("lag of %s", lag)
			d.target.lag = lag
			o := d.under(first(every, ruling{lose: "cut"})).sound(name).hit(name, d.hitsOf("every"))
			o.state(name, run.Succeeded).want(name, run.StepDone)
			d.target.lag = 0
			time.Sleep(time.Minute)
			clear(d.target.stale)
			d.settled(name)
		}
		d.next()
		name := "the next run comes within the lag"
		d.target.lag = min(30*time.Second, info.CallTimeout+info.Settle-time.Second)
		d.under(nil).sound(name).state(name, run.Succeeded).want(name, run.StepDone)
		r := d.vote(d.ask())
		all := d.post.deeds()
		for _, x := range all[d.judged:] {
			if x.verb != "write" {
				d.t.Errorf("%s: the target shows %s %s once more", name, x.verb, x.key)
			}
		}
		d.judged = len(all)
		if r.State != run.NothingToDo && r.State != run.Succeeded {
			d.t.Errorf("%s: the run is %s: %s\n%s", name, r.State, r.Reason, d.trouble(r))
		}
		d.target.lag = 0
		time.Sleep(time.Minute)
		clear(d.target.stale)
		d.ahead.Add(int64(25 * time.Hour))
		d.settled(name)
	})
}
