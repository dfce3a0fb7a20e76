package plan

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// strangerMin is how many texts must show somebody else: one alone, such as a name to
// which a remark was added, may have been written by hand.
const strangerMin = 2

// stranger tells whether a leaver's account shows nothing of what was last written: it
// may have been deleted by hand, and made again for somebody else under its id. A person
// must look.
func (m *maker) stranger(c *subject) bool {
	var other []string
	for _, name := range c.link.Written.Names() {
		v, have := c.link.Written[name], c.target.Attributes[name]
		if name == m.in.Abilities.IDAttribute[c.source.Kind] || v.Type() != directory.Text || have.Type() != directory.Text || v.IsEmpty() || have.IsEmpty() {
			continue
		}
		if mapping.Same(name, v, have) || mapping.Normal(name, v.Text()) == mapping.Normal(name, have.Text()) {
			return false
		}
		other = append(other, name)
	}
	if len(other) < strangerMin {
		return false
	}
	account := m.ofTarget(c.target.Kind, c.target.ID)
	m.note(Conflict, None, c.source, "%s", joined(c.why, sprintf(
		"but the account %s shows nothing of what was last written (%s), so somebody else may have its id by now: untouched. If it is still theirs, disable it by hand / 但账号 %s 与上次写入的内容（%s）全都不同，编号可能已归他人使用：保持不动。如果仍是此人的账号，请手工停用",
		account, strings.Join(other, ", "), account, strings.Join(other, "、"))))
	return true
}
