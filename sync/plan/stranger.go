package plan

import (
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// strangerMin is how many texts must show somebody else: one alone, such as a name to
// which a remark was added, may have been written by hand.
const strangerMin = 2

// stranger tells whether the account that somebody would lose shows nothing of what was
// last written to it: it may have been deleted by hand, and made again for somebody else
// under its id. Who votes must look; whoever was only changed by hand is taken away then.
func (m *maker) stranger(c *subject) bool {
	if c.link == nil || c.source.Kind != directory.User {
		return false
	}
	other := 0
	for name, v := range c.link.Written {
		have := c.target.Attributes[name]
		if name == m.in.Abilities.IDAttribute[c.source.Kind] || v.Type() != directory.Text || have.Type() != directory.Text || v.IsEmpty() || have.IsEmpty() {
			continue
		}
		if mapping.Normal(name, v.Text()) == mapping.Normal(name, have.Text()) {
			return false
		}
		other++
	}
	return other >= strangerMin
}

// strangers finds accounts that would be taken away and seem to be somebody else's.
func (a *assessor) strangers() {
	n, who := 0, ""
	for _, d := range a.m.drafts {
		if !d.stranger {
			continue
		}
		if n++; who == "" || d.Name < who {
			who = d.Name
		}
	}
	if n > 0 {
		a.find(FindStranger, 1, float64(n), 0, who)
	}
}
