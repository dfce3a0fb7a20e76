package plan_test

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestAnother: an account is given to somebody else when name, number and address all
// change at once, and each was known.
func TestAnother(t *testing.T) {
	t.Parallel()
	values := func(name, mobile, email directory.Value) directory.Attributes {
		return directory.Attributes{directory.AttrName: name, directory.AttrMobile: mobile, directory.AttrEmail: email}
	}
	text := directory.TextOf
	was, is := values(text("张三"), text("13800000001"), text("a@x")), values(text("李四"), text("13800000002"), text("b@x"))
	two := values(text("李四"), text("13800000002"), text("b@x"))
	delete(two, directory.AttrEmail)
	for name, c := range map[string]struct {
		change plan.Change
		want   bool
	}{
		"all three":        {plan.Change{Op: plan.Update, Before: was, After: is}, true},
		"two of them":      {plan.Change{Op: plan.Update, Before: was, After: two}, false},
		"hidden before":    {plan.Change{Op: plan.Update, Before: values(text("张三"), directory.Hidden("phone"), text("a@x")), After: is}, false},
		"without a number": {plan.Change{Op: plan.Update, Before: values(text("张三"), text(""), text("a@x")), After: is}, false},
		"emptied":          {plan.Change{Op: plan.Update, Before: was, After: values(text("李四"), text(""), text("b@x"))}, false},
		"created":          {plan.Change{Op: plan.Create, After: is}, false},
	} {
		if got := c.change.Another(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if c.want && c.change.SafeAlone(map[string]bool{}) {
			t.Errorf("%s: goes ahead of the votes", name)
		}
	}
}
