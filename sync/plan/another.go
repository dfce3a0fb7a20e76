package plan

import "github.com/rollcallhq/rollcall/sync/directory"

// Another tells whether an UPDATE looks as if the account were given to somebody else:
// name, mobile number and mail address, all of them known, change at once. So it comes
// out when a source uses an id again.
func (c *Change) Another() bool {
	if c.Op != Update {
		return false
	}
	for _, name := range []string{directory.AttrName, directory.AttrMobile, directory.AttrEmail} {
		for _, v := range []directory.Value{c.Before[name], c.After[name]} {
			if v.Type() == directory.Unknown || v.IsEmpty() {
				return false
			}
		}
	}
	return true
}

// others finds accounts of ours that seem to be given to somebody else. What is adopted
// in the same plan is looked at for that, and an undo gives back what was there.
func (a *assessor) others() {
	n, who := 0, ""
	for i := range a.plan.Changes {
		c := &a.plan.Changes[i]
		if a.m.undo != nil || a.m.bySource[c.Source] == nil || !c.Another() {
			continue
		}
		if n++; n == 1 {
			who = c.Name
		}
	}
	if n > 0 {
		a.find(FindAnother, 1, float64(n), 0, who)
	}
}
