package plan

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// Select gives the changes, by Seq and ascending, that voters name by what they
// typed: those of only, or all when only is empty, without those of hold. One
// item is a department (its path, or its last name), with everything below it;
// an operation in Chinese or English; a person (exact name, employee number, id
// or mail address); "#3", or "#3-5". Nothing is ever guessed. Faults: Invalid for
// an item that names nothing of the plan, or more than one thing; the sentence
// lists what it may mean. Somebody of several departments is approved with the one
// that the plan shows, and held back with any. A department's deletion is not given
// without everything that empties it.
func Select(p *Plan, only, hold []string) ([]int, error) {
	s := &selector{plan: p, paths: p.paths((*Change).wheres)}
	chosen := make(choice, len(p.Changes))
	for i := range p.Changes {
		chosen[p.Changes[i].Seq] = len(only) == 0
	}
	for _, item := range only {
		seqs, err := s.resolve(item)
		if err != nil {
			return nil, err
		}
		for _, seq := range seqs {
			chosen[seq] = true
		}
	}
	s.holds, s.paths = true, p.paths(p.everywhere)
	for _, item := range hold {
		seqs, err := s.resolve(item)
		if err != nil {
			return nil, err
		}
		for _, seq := range seqs {
			chosen[seq] = false
		}
	}
	for i := range p.Changes { // in order: what empties a department comes before
		if c := &p.Changes[i]; c.Op == Delete && c.Key.Kind == directory.Department && slices.ContainsFunc(c.Needs, chosen.lacks) {
			chosen[c.Seq] = false
		}
	}
	maps.DeleteFunc(chosen, func(_ int, in bool) bool { return !in })
	return slices.Sorted(maps.Keys(chosen)), nil
}

// choice says which changes, by Seq, are given and which are held back.
type choice map[int]bool

// lacks tells whether a change is held back. One that the plan does not hold any
// more was done, or will be missed when it is applied.
func (c choice) lacks(seq int) bool {
	in, known := c[seq]
	return known && !in
}

// paths gives every department that a change is in or below, with how it is
// written.
func (p *Plan) paths(wheres func(*Change) []string) []string {
	all := map[string]bool{}
	for i := range p.Changes {
		for _, path := range wheres(&p.Changes[i]) {
			for ; strings.HasPrefix(path, "/") && !all[path]; path = path[:strings.LastIndex(path, "/")] {
				all[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (c *Change) wheres() []string { return []string{c.Where} }

// everywhere gives the paths of all departments that a change's object was or will
// be in, as far as the plan tells.
func (p *Plan) everywhere(c *Change) []string {
	all := c.wheres()
	for _, side := range []directory.Attributes{c.Before, c.After} {
		for _, v := range side {
			for _, ref := range v.Refs() {
				if ref.Kind == directory.Department {
					all = append(all, p.Names[ref.String()])
				}
			}
		}
	}
	return all
}

type selector struct {
	plan  *Plan
	paths []string
	holds bool // what is resolved is to be held back
}

// meaning is one thing that an item may name.
type meaning struct {
	en, zh string // how people tell it from the others
	seqs   []int
}

// resolve gives the changes that one item names.
func (s *selector) resolve(item string) ([]int, error) {
	word := mapping.Normal("", item)
	if numbers, is := strings.CutPrefix(word, "#"); is {
		return s.numbered(item, numbers)
	}
	name, mentioned := strings.CutPrefix(word, "@")
	var all []meaning
	switch {
	case name == "":
	case mentioned:
		all = s.people(name)
	case strings.HasPrefix(word, "/"):
		all = s.departments(word)
	default:
		all = slices.Concat(s.operations(word), s.departments(word), s.people(word))
	}
	switch len(all) {
	case 0:
		return nil, fault.New(fault.Invalid, "no change here is called %q; write a department, an operation, a person, or its number such as #3 / 这些变更里没有“%s”；请写部门、操作、人，或编号（如 #3）", item, item)
	case 1:
		return all[0].seqs, nil
	default:
		return nil, ambiguous(item, all)
	}
}

// mostMeanings is how many meanings a refusal lists.
const mostMeanings = 8

func ambiguous(item string, all []meaning) error {
	var en, zh []string
	for _, m := range all[:min(len(all), mostMeanings)] {
		en, zh = append(en, m.en), append(zh, m.zh)
	}
	if len(all) > mostMeanings {
		en, zh = append(en, "…"), append(zh, "……")
	}
	return fault.New(fault.Invalid, "%q may mean: %s; write the number, such as #3 / “%s”可能是：%s；请写编号（如 #3）",
		item, strings.Join(en, "; "), item, strings.Join(zh, "；"))
}

// numbered reads "3" or "3-5".
func (s *selector) numbered(item, numbers string) ([]int, error) {
	first, last, ranged := strings.Cut(numbers, "-")
	if !ranged {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 31)
	to, err2 := strconv.ParseUint(strings.TrimPrefix(last, "#"), 10, 31)
	if err1 != nil || err2 != nil || from == 0 || from > to {
		return nil, fault.New(fault.Invalid, "%q is no number of a change; write #3 or #3-5 / “%s”不是变更的编号；请写 #3 或 #3-5", item, item)
	}
	seqs := s.where(func(c *Change) bool { return uint64(c.Seq) >= from && uint64(c.Seq) <= to }) //nolint:gosec // a Seq counts from 1
	if len(seqs) == 0 {
		return nil, fault.New(fault.Invalid, "there is no %s among these changes / 这些变更里没有 %s", item, item)
	}
	return seqs, nil
}

// where gives the changes for which is holds.
func (s *selector) where(is func(*Change) bool) []int {
	var seqs []int
	for i := range s.plan.Changes {
		if c := &s.plan.Changes[i]; is(c) {
			seqs = append(seqs, c.Seq)
		}
	}
	return seqs
}

// opNamed gives the operation that a word names, or None.
func opNamed(word string) Op {
	switch word {
	case "create", "新增", "新建":
		return Create
	case "update", "变更", "更新":
		return Update
	case "disable", "停用":
		return Disable
	case "delete", "删除":
		return Delete
	case "adopt", "认领":
		return Adopt
	default:
		return None
	}
}

func (s *selector) operations(word string) []meaning {
	op := opNamed(word)
	if op == None {
		return nil
	}
	seqs := s.where(func(c *Change) bool { return c.Op == op })
	if len(seqs) == 0 {
		return nil
	}
	return []meaning{{sprintf("the operation %s", op), sprintf("操作“%s”", word), seqs}}
}

// departments gives the departments of a path or a last name.
func (s *selector) departments(word string) []meaning {
	var all []meaning
	word = strings.TrimSuffix(word, "/")
	for _, path := range s.paths {
		normal := mapping.Normal("", path)
		if normal != word && (strings.HasPrefix(word, "/") || !strings.HasSuffix(normal, "/"+word)) {
			continue
		}
		seqs := s.where(func(c *Change) bool {
			wheres := c.wheres()
			if s.holds {
				wheres = s.plan.everywhere(c)
			}
			return slices.ContainsFunc(wheres, func(where string) bool { return mapping.Under(where, path) })
		})
		all = append(all, meaning{"the department " + path, "部门 " + path, seqs})
	}
	return all
}

// people gives the persons of a name, employee number, id or mail address. One
// person may have several changes.
func (s *selector) people(word string) []meaning {
	found := map[directory.Key][]*Change{}
	for i := range s.plan.Changes {
		c := &s.plan.Changes[i]
		if c.person() && c.called(word) {
			found[c.identity()] = append(found[c.identity()], c)
		}
	}
	// Whoever is meant is meant with every change: one that only writes a manager
	// has neither a mail address nor a number.
	all := make([]meaning, 0, len(found))
	for id, changes := range found {
		seqs := s.where(func(c *Change) bool { return c.person() && c.identity() == id })
		c := changes[0]
		say := strings.Join(slices.DeleteFunc([]string{sprintf("#%d", seqs[0]), c.Name, c.Where, tailed(c.Tail)}, func(s string) bool { return s == "" }), " ")
		all = append(all, meaning{say, say, seqs})
	}
	slices.SortFunc(all, func(a, b meaning) int { return cmp.Compare(a.seqs[0], b.seqs[0]) })
	return all
}

func tailed(tail string) string {
	if tail == "" {
		return ""
	}
	return "…" + tail
}

func (c *Change) person() bool {
	return c.Key.Kind == directory.User || c.Source.Kind == directory.User
}

// identity tells the persons of a plan apart.
func (c *Change) identity() directory.Key {
	if c.Source.ID != "" {
		return directory.Key{Kind: "source", ID: c.Source.ID}
	}
	return c.Key
}

// called tells whether a word, in its normal form, names the change's person.
func (c *Change) called(word string) bool {
	is := func(s string) bool { return s != "" && mapping.Normal("", s) == word }
	if is(c.Name) || is(string(c.Source.ID)) || is(string(c.Key.ID)) {
		return true
	}
	for _, side := range []directory.Attributes{c.Before, c.After} {
		if no := side[directory.AttrEmployeeNo]; no.Type() != directory.Unknown && is(no.String()) {
			return true
		}
		if !strings.Contains(word, "@") {
			continue
		}
		for _, v := range side { // systems have mail addresses under names of their own
			if v.Type() == directory.Text && is(v.String()) {
				return true
			}
		}
	}
	return false
}
