package matrix

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// places are the changes of each kind that a fault hits: all of them, and, in the
// long form, the first, the middle and the last alone.
func places() map[string]func(*sending) bool {
	all := map[string]func(*sending) bool{"every": every}
	if long() {
		for nth, name := range []string{"first", "middle", "last"} {
			all[name] = at(nth)
		}
	}
	return all
}

// number of changes that a place has.
func (d *ward) hitsOf(place string) int {
	if place == "every" {
		return len(d.kinds()) * each
	}
	return len(d.kinds())
}

// TestG01_TheEffectIsDoneAndTheReplyIsLost: each change takes effect once, whatever
// became of its answer, and the journal says so.
func TestG01_TheEffectIsDoneAndTheReplyIsLost(t *testing.T) {
	t.Parallel()
	infirmary(t, 1, nil, func(d *ward) {
		for _, how := range []string{"cut", "hang", "half"} {
			for place, pick := range places() {
				name := how + " " + place
				o := d.under(first(pick, ruling{lose: how})).sound(name).hit(name, d.hitsOf(place))
				o.state(name, run.Succeeded).want(name, run.StepDone)
				d.settled(name)
				d.next()
			}
		}
	})
}

// TestG02_TheEffectLandsLate: a call that was given up lands before the settle time
// is over, and is found; or just when the create is sent again, and the target's own
// rule about ids keeps it from becoming two.
func TestG02_TheEffectLandsLate(t *testing.T) {
	t.Parallel()
	infirmary(t, 2, nil, func(d *ward) {
		info := d.target.Describe()
		for _, how := range []string{"hang", "cut"} {
			late := info.CallTimeout + info.Settle - 500*time.Millisecond
			name := fmt.Sprintf("%s, %s late", how, late)
			o := d.under(first(every, ruling{lose: how, late: late})).sound(name).hit(name, d.hitsOf("every"))
			o.state(name, run.Succeeded).want(name, run.StepDone)
			d.settled(name)
			d.next()
		}
		// A group of SCIM has nothing that must be unique: docs/reliability.md says that a
		// target at work for longer than its settle time can make it twice.
		pick := func(s *sending) bool {
			return s.Op == plan.Create && (d.name != "scim" || s.Key.Kind == directory.User)
		}
		o := d.under(func(k *knock) ruling {
			switch {
			case k.sending == nil || !k.write || !pick(k.sending):
				return ruling{}
			case k.time == 1:
				return ruling{mute: true}
			default:
				return ruling{twice: true}
			}
		}).sound("twice").hit("twice", 2*each)
		o.state("twice", run.Succeeded).want("twice", run.StepDone)
		d.settled("twice")
	})
}

// TestG03_ToldToSlowDown: what a target asks for is waited for, within reason; a
// target that asks for years is given up with a reason, and is not knocked at again
// and again.
func TestG03_ToldToSlowDown(t *testing.T) {
	t.Parallel()
	infirmary(t, 3, nil, func(d *ward) {
		header := d.post.headers()
		dates := header == "Retry-After"
		in := func(value string, hint time.Duration) ruling {
			r := ruling{status: http.StatusTooManyRequests, hint: hint}
			if header != "" && value != "" {
				r.header = http.Header{header: {value}}
			}
			return r
		}
		const asked = 50 * time.Second
		for _, c := range []struct {
			name   string
			values [each]string // of the first, the middle and the last of each kind
			asked  [each]time.Duration
		}{
			{"a time", [each]string{"50", "date", "50"}, [each]time.Duration{asked, asked, asked}},
			{"no time", [each]string{"-5", "", "soon"}, [each]time.Duration{}},
		} {
			o := d.under(func(k *knock) ruling {
				if k.sending == nil || !k.write || k.time != 1 {
					return ruling{}
				}
				value := c.values[k.nth]
				if value == "date" {
					value = d.now().Add(c.asked[k.nth]).UTC().Format(http.TimeFormat)
				}
				return in(value, c.asked[k.nth])
			}).sound(c.name).hit(c.name, d.hitsOf("every"))
			o.state(c.name, run.Succeeded).want(c.name, run.StepDone)
			o.apart(c.name, func(k knock) time.Duration {
				switch {
				case c.asked[k.nth] == 0, d.name == "ldap", c.values[k.nth] == "date" && !dates && header != "":
					return 300 * time.Millisecond // nothing was said, or not in a way that the system has
				default:
					return c.asked[k.nth] - 2*time.Second
				}
			})
			d.settled(c.name)
			d.next()
		}
		name := "1e9 seconds"
		o := d.under(func(k *knock) ruling {
			if !k.write {
				return ruling{}
			}
			return in("1000000000", 1e9*time.Second)
		}).sound(name).hit(name, 1).state(name, run.Partial, run.Failed)
		o.apart(name, func(knock) time.Duration {
			switch d.name {
			case "ldap":
				return 300 * time.Millisecond // it has no way to ask
			case "feishu":
				return 55 * time.Second // the vendor's windows are a minute at most
			default:
				return 110 * time.Second
			}
		})
		if o.took > time.Hour {
			d.t.Errorf("%s: the run took %s", name, o.took)
		}
		d.left(name, o.missing())
	})
}

// apart sees that two sendings of a change are so far from each other.
func (o *outcome) apart(name string, least func(knock) time.Duration) {
	o.d.t.Helper()
	last := map[string]time.Time{}
	for _, k := range o.writes() {
		if k.sending == nil {
			continue
		}
		if was, ok := last[k.Token]; ok && k.at.Sub(was) < least(k) {
			o.d.t.Errorf("%s: %s was sent again after %s, want %s at least", name, k.what(), k.at.Sub(was), least(k))
			return
		}
		last[k.Token] = k.at
	}
}

// TestG04_OutOfOrder: bursts of errors are outlived; a target that is out of order
// for minutes ends the run with a reason, and the next one does what is left.
func TestG04_OutOfOrder(t *testing.T) {
	t.Parallel()
	infirmary(t, 4, nil, func(d *ward) {
		name := "a burst"
		o := d.under(first(every, ruling{status: http.StatusServiceUnavailable})).sound(name).hit(name, d.hitsOf("every"))
		o.state(name, run.Succeeded).want(name, run.StepDone)
		d.settled(name)
		for nth, place := range []string{"the first", "the middle", "the last"} {
			d.next()
			name := "five minutes from " + place
			changes, from := len(d.kinds())*each, time.Time{}
			begin, writes := nth*(changes-1)/2, 0
			o := d.under(func(k *knock) ruling {
				if k.write && k.time == 1 {
					if writes++; writes == begin+1 {
						from = d.now()
					}
				}
				if !from.IsZero() && d.now().Before(from.Add(5*time.Minute)) {
					return ruling{status: http.StatusInternalServerError}
				}
				return ruling{}
			}).sound(name).hit(name, 1)
			o.state(name, run.Succeeded, run.Partial, run.Failed)
			if o.took > 20*time.Minute {
				d.t.Errorf("%s: the run took %s", name, o.took)
			}
			d.left(name, o.missing())
		}
	})
}
