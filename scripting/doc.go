// Package scripting runs the JavaScript rules of a flow and says what they did.
//
// A rule file is the body of a function. It runs once per object, while
// planning, and ends in a plan.Verdict: the bare facts of what it called,
// changed and returned. Package plan decides what follows from them.
//
// Rules run in child processes of the same binary (see Work), because no limit
// inside a process stops a hostile script: native calls cannot be interrupted,
// and some texts kill the process that only compiles them. A child has no
// environment, no open files and a ceiling of memory; it is killed when it
// stays silent, and the object that it fell silent on gets a verdict with an
// error while the others are judged.
//
// A child is fed in batches. It has the next one while it judges one, so that both
// processes work at the same time; attributes come as rows and are decoded when a rule
// reads them. Nothing of this can be seen by a rule, and every object gets objects of
// its own. A rule that outruns its limits for many objects, or floods the run, is given
// up as a whole: see Host.Judge.
//
// The package writes to no system, knows no connector and decides nothing. What
// a rule author may rely on is written in docs/rules.md; the notes below say how
// values cross the border.
//
// # Values
//
// Read from context.data, context.target and the objects of getObjectByID:
//
//	text      string
//	int       number; an integer beyond 2^53 is a string of digits
//	bool      boolean
//	date      Date, a civil time in the flow's zone
//	list      array of strings
//	refs      array of ids; manager and parent: one id, "" when there is none
//	unknown   ends the rule with an error that names the missing permission
//
// Declared but empty: text "", date an Invalid Date, list and refs [], int and
// bool undefined. Undefined, unlike null, makes every comparison with <, <=, >
// and >= false, and so does an Invalid Date. A name that is neither declared nor
// there is undefined too.
//
// Written to context.data: a string, a number, a boolean, a Date, an array of
// strings (or of ids); null, undefined and delete make the attribute empty. A
// value takes the type that the attribute is declared with or had: a number
// becomes text in a text attribute, digits become a number, and a text like
// "2026-01-31" becomes a date; anything else ends the rule with an error. A new
// attribute takes the type of what is written. Arrays and Dates that a rule reads
// are the attribute's own for as long as the rule runs: changing one in place is
// writing it.
package scripting
