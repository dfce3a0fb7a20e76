package engine

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// relieved gives the links that a new object takes the place of: the plan, which knew
// them, found their accounts and owners gone, and what has the id now is another object.
func (a *applier) relieved(c *plan.Change, e run.Entry) []mapping.Link {
	var over []mapping.Link
	if c.Op != plan.Create || c.Key.ID == "" {
		return over
	}
	for _, l := range a.links {
		if l.Live() && l.Source != c.Source && l.Target.Kind == e.Key.Kind && strings.EqualFold(string(l.Target.ID), string(e.Key.ID)) && l.Since.Before(a.run.Created) {
			old := *l
			old.DeletedAt = e.At
			over = append(over, old)
		}
	}
	return over
}
