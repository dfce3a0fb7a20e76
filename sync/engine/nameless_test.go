package engine_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// TestALostNamelessCreate loses the answer to a new department below another, whose id the
// target gives, while the target says that it hides something. That it had no effect
// is believed only where whatever it would have written is shown on every object that
// it could be.
func TestALostNamelessCreate(t *testing.T) {
	t.Parallel()
	stranger := func(attributes directory.Attributes) func(*place) {
		return func(p *place) { p.put(directory.Department, "other", "别的部门", attributes) }
	}
	top := directory.Attributes{"parent": directory.RefsTo()}
	for name, c := range map[string]struct {
		effect bool // the lost call had one
		setup  func(*place)
		settle bool // it ends by itself
	}{
		"nothing, nobody else is there":            {false, func(*place) {}, true},
		"nothing, others show what is written":     {false, stranger(top), true},
		"nothing, others hide what is written":     {false, func(p *place) { stranger(top)(p); p.hidden["parent"] = "tree" }, false},
		"nothing, others lack what is written":     {false, stranger(nil), false},
		"nothing, others hide what is not written": {false, func(p *place) { stranger(top)(p); p.hidden["order"] = "schema" }, true},
		"nothing, the listing is not whole":        {false, func(p *place) { stranger(top)(p); p.partial = "a page failed / 有一页失败" }, false},
		"made, and shown":                          {true, stranger(top), true},
		"made, but part of it is hidden":           {true, func(p *place) { p.hidden["parent"] = "tree" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, 5, func(w *world) {
				w.target.lacks = []string{"schema"}
				c.setup(w.target)
				lost := false
				hook := func(wr connector.Write) error {
					if _, below := wr.After["parent"]; lost || wr.Op != plan.Create || wr.Key.Kind != directory.Department || !below {
						return nil
					}
					lost = true
					if wr.Key.ID != "" {
						w.t.Errorf("the department has the id %s", wr.Key.ID)
					}
					return fault.New(fault.InDoubt, "no answer / 没有应答")
				}
				if c.effect {
					w.target.after = hook
				} else {
					w.target.before = hook
				}
			}, func(w *world) {
				r := w.until(w.start(true).Code)
				if settled := r.State == run.Succeeded && r.Outcome.InDoubt == 0; settled != c.settle {
					w.t.Errorf("%s with %+v, effects %v", r.State, r.Outcome, w.target.done())
				}
				if n := len(w.target.done()); c.settle && n != 7 || n > 7 {
					w.t.Errorf("%d effects: %v", n, w.target.done())
				}
			})
		})
	}
}
