package plan

import "slices"

// ruling is what a verdict means for one object.
type ruling struct {
	op     Op       // the final operation
	chosen bool     // the rule itself chose a DISABLE or DELETE
	note   NoteKind // why there is no operation; "" when op stands
}

// situation is what is known of an object when a verdict is weighed.
type situation struct {
	proposed Op   // on the data that the rule returned
	exists   bool // there is a target object
	mentions Calls
}

// rule weighs a verdict: the decision table of docs/rules.md.
func (v Verdict) rule(s situation) ruling {
	switch {
	case v.Failed != nil, v.Calls.several():
		return ruling{op: None, note: RuleFailed}
	case v.Data != nil && !v.Returned:
		return ruling{op: None, note: Held}
	}
	r := v.choose(s)
	if r.op != None && (v.AbortAny || slices.Contains(v.Abort, r.op)) {
		return ruling{op: None, note: Aborted}
	}
	return r
}

// choose gives the operation before aborts are looked at.
func (v Verdict) choose(s situation) ruling { //nolint:cyclop // a table: one case a line, and the order decides
	c := v.Calls
	switch {
	case c.Disable && s.exists:
		return ruling{op: Disable, chosen: s.proposed != Disable}
	case c.Delete && s.exists:
		return ruling{op: Delete, chosen: s.proposed != Delete}
	case c.Disable || c.Delete:
		return ruling{op: None}
	case s.proposed.Destructive():
		return ruling{op: s.proposed}
	case c.Update && !s.exists && s.proposed != None:
		return ruling{op: None, note: Held}
	case c.Create || c.Update:
		return ruling{op: s.proposed}
	case s.proposed == Create && s.mentions.Create, s.proposed == Update && s.mentions.Update:
		return ruling{op: None, note: Held}
	default:
		return ruling{op: s.proposed}
	}
}

func (c Calls) several() bool {
	n := 0
	for _, called := range []bool{c.Create, c.Update, c.Disable, c.Delete} {
		if called {
			n++
		}
	}
	return n > 1
}
