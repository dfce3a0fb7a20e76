package wecomsim

import (
	"fmt"
	"slices"
	"strings"
)

// Tree gives the whole corp as stable text: each department with its id, its
// members (sorted by user id, with name and status, leaders marked ★), then
// the departments below it, sorted by id. A member stands in each of their
// departments.
func (s *Sim) Tree() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out strings.Builder
	s.book.draw(&out, rootID, "")
	return out.String()
}

func (b *book) draw(out *strings.Builder, id int64, indent string) {
	fmt.Fprintf(out, "%s%s (%d)\n", indent, b.departments[id].Name, id)
	indent += "  "
	for _, m := range b.in(id, false) {
		mark := ""
		if m.IsLeader[slices.Index(m.Departments, id)] == 1 {
			mark = " ★"
		}
		fmt.Fprintf(out, "%s- %s %s%s [%s]\n", indent, m.ID, m.Name, mark, m.Status)
	}
	for _, child := range slices.Sorted(slices.Values(b.children[id])) {
		b.draw(out, child, indent)
	}
}

// String gives the status in Chinese and English.
func (s Status) String() string {
	switch s {
	case StatusActive:
		return "已激活 active"
	case StatusDisabled:
		return "已禁用 disabled"
	case StatusPending:
		return "未激活 pending"
	case StatusLeft:
		return "已退出 left"
	default:
		return fmt.Sprintf("状态 status %d", int(s))
	}
}

var _ fmt.Stringer = StatusActive
