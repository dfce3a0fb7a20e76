package scripting

import (
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
)

func TestFile(t *testing.T) {
	t.Parallel()
	h := &Host{rules: map[directory.Kind]*rule{directory.User: {file: File{Path: "/etc/rules/users.js", Name: "rules/users.js"}}}}
	if got := h.File(directory.User); got != "rules/users.js" {
		t.Errorf("users: %q", got)
	}
	if got := h.File(directory.Department); got != "" {
		t.Errorf("departments, which have no rule: %q", got)
	}
}
