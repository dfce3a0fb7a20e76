package bot

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// TestCauseNamesWhatMustHold: what is shown of a change's cause is what is looked at
// again before it is done.
func TestCauseNamesWhatMustHold(t *testing.T) {
	t.Parallel()
	status := plan.Cause{Kind: plan.CauseStatus, Attribute: "state", Values: []string{"left"}}
	judged := status
	judged.Fingerprint = directory.Digest{1}
	judged.Looked = []plan.Look{{Name: "Li Min (/East 0001)"}, {Name: "Sales\n(/East/Sales d2)"}}
	for _, c := range []struct {
		cause  plan.Cause
		en, zh string
	}{
		{status, "state = left in the source; read again before it is done", "来源中 state = left；执行前再次读取"},
		{
			judged,
			"state = left in the source; the source object must be unchanged when it is done; what the rule looked up must be as it was, too: Li Min (/East 0001), Sales (/East/Sales d2)",
			"来源中 state = left；执行时来源对象必须没有变化；规则查找过的对象也必须没有变化：Li Min (/East 0001)、Sales (/East/Sales d2)",
		},
	} {
		if en, zh := EN.cause(c.cause), ZH.cause(c.cause); strings.Join(strings.Fields(en), " ") != c.en || strings.Join(strings.Fields(zh), " ") != c.zh {
			t.Errorf("%q\n%q", en, zh)
		}
	}
}
