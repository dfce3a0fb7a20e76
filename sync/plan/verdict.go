package plan

import "slices"

// Ruling is what a verdict means for one object.
type Ruling struct {
	Op     Op       // the final operation
	Chosen bool     // the rule itself chose a DISABLE or DELETE
	Note   NoteKind // why there is no operation; "" when Op stands
}

// Situation is what is known of an object when a verdict is weighed.
type Situation struct {
	Proposed Op   // on the data that the rule returned
	Exists   bool // there is a target object
	Mentions Calls
}

// Rule weighs a verdict: the decision table of docs/rules.md.
func (v Verdict) Rule(s Situation) Ruling {
	switch {
	case v.Failed != nil, v.Calls.several():
		return Ruling{Op: None, Note: RuleFailed}
	case v.Data != nil && !v.Returned:
		return Ruling{Op: None, Note: Held}
	}
	r := v.choose(s)
	if r.Op != None && (v.AbortAny || slices.Contains(v.Abort, r.Op)) {
		return Ruling{Op: None, Note: Aborted}
	}
	return r
}

// choose gives the operation before aborts are looked at.
func (v Verdict) choose(s Situation) Ruling { //nolint:cyclop // a table: one case a line, and the order decides
	c := v.Calls
	switch {
	case c.Disable && s.Exists:
		return Ruling{Op: Disable, Chosen: s.Proposed != Disable}
	case c.Delete && s.Exists:
		return Ruling{Op: Delete, Chosen: s.Proposed != Delete}
	case c.Disable || c.Delete:
		return Ruling{Op: None}
	case s.Proposed.Destructive():
		return Ruling{Op: s.Proposed}
	case c.Update && !s.Exists && s.Proposed != None:
		return Ruling{Op: None, Note: Held}
	case c.Create || c.Update:
		return Ruling{Op: s.Proposed}
	case s.Proposed == Create && s.Mentions.Create, s.Proposed == Update && s.Mentions.Update:
		return Ruling{Op: None, Note: Held}
	default:
		return Ruling{Op: s.Proposed}
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
