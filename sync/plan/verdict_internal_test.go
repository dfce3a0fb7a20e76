package plan

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// every call that a rule can make, alone.
var (
	callsNone    = Calls{}
	callsCreate  = Calls{Create: true}
	callsUpdate  = Calls{Update: true}
	callsDisable = Calls{Disable: true}
	callsDelete  = Calls{Delete: true}
)

// TestVerdict goes through the table of docs/rules.md row by row.
func TestVerdict(t *testing.T) {
	t.Parallel()
	changed := Verdict{Data: directory.Attributes{}}
	tests := []struct {
		row      string
		verdict  Verdict
		proposed Op
		missing  bool
		mentions Calls
		want     Ruling
	}{
		// calls executeCreate or executeUpdate
		{row: "executeCreate on a missing one", verdict: Verdict{Calls: callsCreate}, proposed: Create, missing: true, mentions: callsCreate, want: Ruling{Op: Create}},
		{row: "executeCreate on an existing one", verdict: Verdict{Calls: callsCreate}, proposed: Update, mentions: callsCreate, want: Ruling{Op: Update}},
		{row: "executeCreate without a difference", verdict: Verdict{Calls: callsCreate}, proposed: None, want: Ruling{Op: None}},
		{row: "executeCreate for a leaver", verdict: Verdict{Calls: callsCreate}, proposed: Disable, want: Ruling{Op: Disable}},
		{row: "executeUpdate on a missing one", verdict: Verdict{Calls: callsUpdate}, proposed: Create, missing: true, want: Ruling{Op: None, Note: Held}},
		{row: "executeUpdate on an existing one", verdict: Verdict{Calls: callsUpdate}, proposed: Update, mentions: callsUpdate, want: Ruling{Op: Update}},
		{row: "executeUpdate without a difference", verdict: Verdict{Calls: callsUpdate}, proposed: None, want: Ruling{Op: None}},
		{row: "executeUpdate for a leaver", verdict: Verdict{Calls: callsUpdate}, proposed: Delete, want: Ruling{Op: Delete}},
		// calls executeDisable or executeDelete
		{row: "executeDisable", verdict: Verdict{Calls: callsDisable}, proposed: Update, want: Ruling{Op: Disable, Chosen: true}},
		{row: "executeDisable where it is proposed", verdict: Verdict{Calls: callsDisable}, proposed: Disable, want: Ruling{Op: Disable}},
		{row: "executeDisable on a missing one", verdict: Verdict{Calls: callsDisable}, proposed: Create, missing: true, want: Ruling{Op: None}},
		{row: "executeDelete", verdict: Verdict{Calls: callsDelete}, proposed: None, want: Ruling{Op: Delete, Chosen: true}},
		{row: "executeDelete instead of a proposed DISABLE", verdict: Verdict{Calls: callsDelete}, proposed: Disable, want: Ruling{Op: Delete, Chosen: true}},
		{row: "executeDisable instead of a proposed DELETE", verdict: Verdict{Calls: callsDisable}, proposed: Delete, want: Ruling{Op: Disable, Chosen: true}},
		{row: "executeDelete on a missing one", verdict: Verdict{Calls: callsDelete}, proposed: Create, missing: true, want: Ruling{Op: None}},
		// calls two different execute functions
		{row: "two executes", verdict: Verdict{Calls: Calls{Create: true, Update: true}, Returned: true}, proposed: Update, want: Ruling{Op: None, Note: RuleFailed}},
		{row: "two executes for a leaver", verdict: Verdict{Calls: Calls{Disable: true, Delete: true}}, proposed: Disable, want: Ruling{Op: None, Note: RuleFailed}},
		// calls abort
		{row: "abort beats execute", verdict: Verdict{Calls: callsUpdate, AbortAny: true}, proposed: Update, want: Ruling{Op: None, Note: Aborted}},
		{row: "abort of the final operation", verdict: Verdict{Calls: callsDelete, Abort: []Op{Delete}}, proposed: Update, want: Ruling{Op: None, Note: Aborted}},
		{row: "abort of the proposed operation that is not the final one", verdict: Verdict{Calls: callsDelete, Abort: []Op{Update}}, proposed: Update, want: Ruling{Op: Delete, Chosen: true}},
		{row: "abort of another operation", verdict: Verdict{Abort: []Op{Create, Delete}}, proposed: Update, want: Ruling{Op: Update}},
		{row: "abort of one of several", verdict: Verdict{Abort: []Op{Create, Update}}, proposed: Update, want: Ruling{Op: None, Note: Aborted}},
		{row: "abort of nothing", verdict: Verdict{AbortAny: true}, proposed: None, want: Ruling{Op: None}},
		{row: "abort of a leaver's DISABLE", verdict: Verdict{AbortAny: true}, proposed: Disable, want: Ruling{Op: None, Note: Aborted}},
		// calls none, and its text mentions them
		{row: "CREATE was the rule's to give", verdict: Verdict{Returned: true}, proposed: Create, missing: true, mentions: callsCreate, want: Ruling{Op: None, Note: Held}},
		{row: "the same without return", proposed: Create, missing: true, mentions: callsCreate, want: Ruling{Op: None, Note: Held}},
		{row: "UPDATE was the rule's to give", verdict: Verdict{Returned: true}, proposed: Update, mentions: callsUpdate, want: Ruling{Op: None, Note: Held}},
		{row: "the text mentions the other one", verdict: Verdict{Returned: true}, proposed: Update, mentions: callsCreate, want: Ruling{Op: Update}},
		{row: "CREATE, the text mentions executeUpdate", proposed: Create, missing: true, mentions: callsUpdate, want: Ruling{Op: Create}},
		{row: "a DISABLE is never held this way", proposed: Disable, mentions: Calls{Create: true, Update: true, Disable: true, Delete: true}, want: Ruling{Op: Disable}},
		{row: "a DELETE neither", proposed: Delete, mentions: Calls{Create: true, Update: true, Disable: true, Delete: true}, want: Ruling{Op: Delete}},
		{row: "nothing to do is nothing to hold", proposed: None, mentions: Calls{Create: true, Update: true}, want: Ruling{Op: None}},
		// calls none otherwise
		{row: "the proposal stands", proposed: Update, want: Ruling{Op: Update}},
		{row: "with return context too", verdict: Verdict{Returned: true}, proposed: Create, missing: true, want: Ruling{Op: Create}},
		// changed context.data and ended without return context
		{row: "changed and not returned", verdict: changed, proposed: Update, want: Ruling{Op: None, Note: Held}},
		{row: "changed, not returned, executeUpdate", verdict: Verdict{Data: changed.Data, Calls: callsUpdate}, proposed: Update, want: Ruling{Op: None, Note: Held}},
		{row: "changed and returned", verdict: Verdict{Data: changed.Data, Returned: true}, proposed: Update, want: Ruling{Op: Update}},
		// returned anything but context, threw, overstayed
		{row: "failed", verdict: Verdict{Failed: &RuleError{}, Calls: callsDelete, Returned: true}, proposed: Update, want: Ruling{Op: None, Note: RuleFailed}},
		{row: "failed for a leaver", verdict: Verdict{Failed: &RuleError{}}, proposed: Disable, want: Ruling{Op: None, Note: RuleFailed}},
	}
	for _, tt := range tests {
		t.Run(tt.row, func(t *testing.T) {
			t.Parallel()
			got := tt.verdict.Rule(Situation{Proposed: tt.proposed, Exists: !tt.missing, Mentions: tt.mentions})
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestVerdictNeverTakesAwayByItself goes through everything that a rule can do in
// every situation: an account is only taken away when that was proposed or the
// rule called for it, and never against an abort.
func TestVerdictNeverTakesAwayByItself(t *testing.T) {
	t.Parallel()
	aborts := [][]Op{nil, {Create}, {Update}, {Disable}, {Delete}, {Disable, Delete}}
	seen := 0
	for bits := range 1 << 9 {
		bit := func(i int) bool { return bits>>i&1 == 1 }
		for _, abort := range aborts {
			for _, proposed := range []Op{None, Create, Update, Disable, Delete} {
				v := Verdict{Calls: Calls{bit(0), bit(1), bit(2), bit(3)}, AbortAny: bit(4), Returned: bit(5), Abort: abort}
				if bit(6) {
					v.Failed = &RuleError{}
				}
				s := Situation{Proposed: proposed, Exists: proposed != Create, Mentions: Calls{Create: bit(7), Update: bit(8)}}
				r := v.Rule(s)
				seen++
				if problem := wrong(v, s, r); problem != "" {
					t.Fatalf("%s: %+v in %+v gives %+v", problem, v, s, r)
				}
			}
		}
	}
	if seen != 512*6*5 {
		t.Errorf("%d situations", seen)
	}
}

// wrong says what is wrong with a Ruling, or "".
func wrong(v Verdict, s Situation, r Ruling) string {
	asked := v.Calls.Disable && r.Op == Disable || v.Calls.Delete && r.Op == Delete
	switch {
	case r.Note != "" && r.Op != None:
		return "noted, and done all the same"
	case r.Op.Destructive() && !asked && r.Op != s.Proposed:
		return "taken away by itself"
	case r.Op.Destructive() && !s.Exists:
		return "taken away what is not there"
	case r.Op != None && (v.AbortAny || slices.Contains(v.Abort, r.Op)):
		return "done against an abort"
	case r.Op != None && v.Failed != nil:
		return "done by a failed rule"
	case !r.Op.Destructive() && r.Op != None && r.Op != s.Proposed:
		return "a write that was not proposed"
	case s.Proposed.Destructive() && (r.Op == Create || r.Op == Update):
		return "a leaver is written to"
	case r.Chosen && !asked:
		return "chosen by nobody"
	}
	return ""
}

func TestSeveral(t *testing.T) {
	t.Parallel()
	for calls, want := range map[Calls]bool{
		callsNone: false, callsCreate: false, callsUpdate: false, callsDisable: false, callsDelete: false,
		{Create: true, Update: true}: true, {Disable: true, Delete: true}: true, {Create: true, Delete: true}: true, {Update: true, Disable: true, Delete: true}: true,
	} {
		t.Run(fmt.Sprintf("%+v", calls), func(t *testing.T) {
			t.Parallel()
			if got := calls.several(); got != want {
				t.Errorf("several = %t", got)
			}
		})
	}
}
