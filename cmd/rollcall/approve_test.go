package main

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// A33: a confirmation at the terminal confirms what was approved in the chat; it
// does not quietly pass over other counts or a part that is typed there.
func TestA33_AConfirmationIsOfWhatWasApproved(t *testing.T) {
	t.Parallel()
	approved := run.Vote{Run: "7K3MQ2", Typed: run.Restated{Delete: 30, Disable: -1, Total: -1}}
	for name, c := range map[string]struct {
		here ballot
		want fault.Kind
	}{
		"nothing typed":    {here: ballot{typed: run.NotRestated()}},
		"the same":         {here: ballot{typed: run.Restated{Delete: 30, Disable: -1, Total: -1}}},
		"with a zero":      {here: ballot{typed: run.Restated{Delete: 30, Disable: 0, Total: -1}}},
		"a total as well":  {here: ballot{typed: run.Restated{Delete: 30, Disable: -1, Total: 40}}},
		"fewer":            {here: ballot{typed: run.Restated{Delete: 3, Disable: -1, Total: -1}}, want: fault.Invalid},
		"another kind":     {here: ballot{typed: run.Restated{Delete: 30, Disable: 2, Total: -1}}, want: fault.Invalid},
		"a part":           {here: ballot{typed: run.NotRestated(), only: []string{"#3"}}, want: fault.Invalid},
		"a part held back": {here: ballot{typed: run.NotRestated(), hold: []string{"研发部"}}, want: fault.Invalid},
	} {
		err := c.here.agrees(approved)
		if (err != nil) != (c.want != "") || err != nil && fault.KindOf(err) != c.want {
			t.Errorf("%s: %v, want a fault %q", name, err, c.want)
		}
	}
}
