package wecomsim

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of the department tree. The documentation counts 15 levels without
// saying whether the root is one; here it is the first.
const (
	maxDepth      = 15
	maxDeptName   = 32
	maxDeptNameEN = 64
	maxOrder      = 1<<32 - 1
	badDeptRunes  = `\:*?"<>|｜`
)

// Department is one department of the corp. Its leaders are the members that
// are marked so.
type Department struct {
	ID     int64 // 1 is the root
	Parent int64 // 0 for the root
	Name   string
	NameEN string
	Order  int64 // higher comes first
}

// AddDepartment seeds a department, under the tree rules of the API. An ID of
// 0 takes the next free one, a Parent of 0 is the root. It returns the id, or
// a *Refusal. It leaves no Effect.
func (s *Sim) AddDepartment(d Department) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.Parent = or(d.Parent, int64(rootID))
	if refusal := s.book.addDepartment(&d); refusal != nil {
		return 0, refusal
	}
	return d.ID, nil
}

// RemoveDepartment deletes an empty department, as an admin does in the
// console. It returns a *Refusal if it may not. It leaves no Effect.
func (s *Sim) RemoveDepartment(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusal := s.book.removeDepartment(id); refusal != nil {
		return refusal
	}
	return nil
}

// ChangeDepartment lets a function edit a department, as an admin does in the
// console, under the tree rules of the API. The id stays. The function runs
// under the corp's lock and must not call it. ChangeDepartment returns a
// *Refusal, and changes nothing, if the result breaks a rule. It leaves no
// Effect.
func (s *Sim) ChangeDepartment(id int64, edit func(*Department)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	current, found := s.book.departments[id]
	if !found {
		return refuse(codeNoDept, "department not found")
	}
	next := *current
	edit(&next)
	next.ID = id
	if refusal := s.book.changeDepartment(next); refusal != nil {
		return refusal
	}
	return nil
}

// Department gives a department by id.
func (s *Sim) Department(id int64) (Department, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, found := s.book.departments[id]
	if !found {
		return Department{}, false
	}
	return *d, true
}

// Departments gives all departments, sorted by id.
func (s *Sim) Departments() []Department {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.book.below(rootID)
}

// addDepartment checks and adds a department, giving it an id if it has none.
func (b *book) addDepartment(d *Department) *Refusal {
	if refusal := d.check(); refusal != nil {
		return refusal
	}
	if d.ID < 0 || d.ID > maxOrder {
		return badParameter("id")
	}
	if _, taken := b.departments[d.ID]; taken {
		return refuse(codeDeptExists, "department existed: id")
	}
	if refusal := b.checkPlace(*d, 1); refusal != nil {
		return refusal
	}
	if d.ID == 0 {
		d.ID = b.lastID + 1
	}
	b.lastID = max(b.lastID, d.ID)
	added := *d
	b.departments[d.ID] = &added
	b.children[d.Parent] = append(b.children[d.Parent], d.ID)
	return nil
}

// changeDepartment checks and replaces a department that exists.
func (b *book) changeDepartment(next Department) *Refusal {
	if refusal := next.check(); refusal != nil {
		return refusal
	}
	current := b.departments[next.ID]
	if next.ID == rootID && next.Parent == 0 {
		*current = next
		return nil
	}
	for id := next.Parent; id != 0; {
		if id == next.ID {
			return refuse(codeDeptCycle, "department tree has a cycle")
		}
		parent, found := b.departments[id]
		if !found {
			return refuse(codeNoParent, "parent department not found")
		}
		id = parent.Parent
	}
	if refusal := b.checkPlace(next, b.height(next.ID)); refusal != nil {
		return refusal
	}
	if next.Parent != current.Parent {
		b.unlink(current)
		b.children[next.Parent] = append(b.children[next.Parent], next.ID)
	}
	*current = next
	return nil
}

// removeDepartment checks and deletes a department.
func (b *book) removeDepartment(id int64) *Refusal {
	d, found := b.departments[id]
	switch {
	case !found:
		return refuse(codeNoDept, "department not found")
	case id == rootID:
		return refuse(codeDeptRoot, "not allow to delete root department")
	case len(b.members[id]) > 0:
		return refuse(codeDeptHasMembers, "department contains user")
	case len(b.children[id]) > 0:
		return refuse(codeDeptHasChildren, "department contains sub department")
	}
	b.unlink(d)
	delete(b.departments, id)
	delete(b.children, id)
	delete(b.members, id)
	return nil
}

func (b *book) unlink(d *Department) {
	siblings := b.children[d.Parent]
	if i := slices.Index(siblings, d.ID); i >= 0 {
		b.children[d.Parent] = slices.Delete(siblings, i, i+1)
	}
}

// check checks a department by itself.
func (d *Department) check() *Refusal {
	length := utf8.RuneCountInString(d.Name)
	switch {
	case length == 0 || length > maxDeptName || strings.TrimSpace(d.Name) == "":
		return refuse(codeDeptLength, "department name length exceed limit")
	case utf8.RuneCountInString(d.NameEN) > maxDeptNameEN:
		return refuse(codeDeptLength, "department name_en length exceed limit")
	case strings.ContainsAny(d.Name, badDeptRunes) || strings.ContainsAny(d.NameEN, badDeptRunes):
		return refuse(codeDeptCharacters, "department name contains invalid characters")
	case hasControl(d.Name) || hasControl(d.NameEN):
		return refuse(codeDeptCharacters, "department name contains control characters")
	case d.Order < 0 || d.Order > maxOrder:
		return badParameter("order")
	}
	return nil
}

// checkPlace checks a department, with a subtree of the given height (1 for
// itself alone), against its parent and siblings.
func (b *book) checkPlace(d Department, height int) *Refusal {
	if _, found := b.departments[d.Parent]; !found {
		return refuse(codeNoParent, "parent department not found")
	}
	if b.depth(d.Parent)+height > maxDepth {
		return refuse(codeDeptDepth, "department depth exceed limit")
	}
	for _, id := range b.children[d.Parent] {
		if id != d.ID && b.departments[id].Name == d.Name {
			return refuse(codeDeptExists, "department existed: name")
		}
	}
	return nil
}

// depth gives the level of a department; the root's is 1.
func (b *book) depth(id int64) int {
	levels := 0
	for id != 0 {
		levels++
		id = b.departments[id].Parent
	}
	return levels
}

// height gives the number of levels of a department's subtree, itself
// included.
func (b *book) height(id int64) int {
	deepest := 0
	for _, child := range b.children[id] {
		deepest = max(deepest, b.height(child))
	}
	return deepest + 1
}

// below gives a department and all below it, sorted by id.
func (b *book) below(id int64) []Department {
	var list []Department
	queue := []int64{id}
	for len(queue) > 0 {
		id, queue = queue[0], queue[1:]
		list = append(list, *b.departments[id])
		queue = append(queue, b.children[id]...)
	}
	slices.SortFunc(list, func(x, y Department) int { return cmp.Compare(x.ID, y.ID) })
	return list
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
