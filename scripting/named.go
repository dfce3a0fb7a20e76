package scripting

import (
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

var _ plan.Named = (*Host)(nil)

// File gives what people call the rule for a kind, "" when there is none.
func (h *Host) File(kind directory.Kind) string {
	r := h.rules[kind]
	if r == nil {
		return ""
	}
	return r.file.label()
}
