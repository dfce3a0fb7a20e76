package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// Mark stands, in a text that a rule wrote, for the number that makes it the only
// one in the target: nothing for the first, then 2, 3 and so on. All marked
// attributes of one object get the same number. An account keeps the number that it
// has, and nobody gets one that another account holds, or held before it was
// deleted.
const Mark = "{#}"

// mostNumbers bounds the search for a free number.
const mostNumbers = 9999

// numbers knows which texts are in use in the target, by attribute and folded text.
type numbers struct {
	held    map[string]map[string][]directory.ID // by whom, in the target
	buried  map[string]map[string]directory.Key  // of deleted accounts, by source
	claimed map[string]map[string]directory.Key  // by this plan, for whom
}

// number replaces the marks in what an object should look like. It is false when no
// number is free. Nothing is claimed yet: see claim.
func (m *maker) number(c *subject, out *outcome) bool {
	marked := markedNames(out.want)
	if len(marked) == 0 {
		return true
	}
	out.numbered = marked
	idAttr := m.in.Abilities.IDAttribute[c.source.Kind]
	var have directory.Attributes
	candidates := make([]int, 0, len(marked)+1)
	if c.exists() {
		have = m.known(c)
		if slices.Contains(marked, idAttr) { // the account's id is given once; the others follow it
			candidates = appendNumber(candidates, out.want[idAttr].Text(), string(c.target.ID))
			out.want[idAttr] = directory.TextOf(string(c.target.ID))
			marked = slices.DeleteFunc(slices.Clone(marked), func(name string) bool { return name == idAttr })
		}
		for _, name := range marked {
			candidates = appendNumber(candidates, out.want[name].Text(), have[name].Text())
		}
	}
	whole := !m.partial && m.in.Target.Complete()
	fits := func(n int) bool {
		return !slices.ContainsFunc(marked, func(name string) bool {
			text := numbered(out.want[name].Text(), n)
			return !strings.EqualFold(text, have[name].Text()) && (!whole || !m.free(c, name, text))
		})
	}
	if !whole { // what is free cannot be told
		if i := slices.IndexFunc(candidates, fits); i >= 0 {
			numberAs(out, marked, candidates[i])
		} else {
			m.unnumbered(c, out, marked)
		}
		return true
	}
	for n := 1; n <= mostNumbers+len(candidates); n++ {
		try := n
		if n <= len(candidates) {
			try = candidates[n-1]
		} else {
			try -= len(candidates)
		}
		if fits(try) {
			numberAs(out, marked, try)
			return true
		}
	}
	return false
}

// unnumbered leaves the marks for people to see where nobody looks at the whole
// target; an incomplete one changes nothing that an account has.
func (m *maker) unnumbered(c *subject, out *outcome, marked []string) {
	if m.partial || !c.exists() {
		return
	}
	for _, name := range marked {
		out.want[name] = directory.Hidden("") // never written
	}
}

func numberAs(out *outcome, marked []string, n int) {
	for _, name := range marked {
		out.want[name] = directory.TextOf(numbered(out.want[name].Text(), n))
	}
}

// markedNames gives the attributes with a mark, sorted.
func markedNames(want directory.Attributes) []string {
	var names []string
	for name, v := range want {
		if v.Type() == directory.Text && strings.Contains(v.Text(), Mark) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// numbered puts a number in the place of the marks.
func numbered(text string, n int) string {
	if n == 1 {
		return strings.ReplaceAll(text, Mark, "")
	}
	return strings.ReplaceAll(text, Mark, strconv.Itoa(n))
}

// appendNumber appends the number by which a marked text is the one that is there,
// unless it is none or in the list already.
func appendNumber(list []int, marked, have string) []int {
	before, _, _ := strings.Cut(marked, Mark) // of several marks, the first tells
	if len(have) < len(before) {
		return list
	}
	digits := have[len(before):]
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	// The text behind the mark may begin with digits itself.
	for ; ; digits = digits[:len(digits)-1] {
		n, err := strconv.Atoi(digits)
		if digits == "" {
			n, err = 1, nil
		}
		if err == nil && n >= 1 && n <= mostNumbers && strings.EqualFold(numbered(marked, n), have) && !slices.Contains(list, n) {
			return append(list, n)
		}
		if digits == "" {
			return list
		}
	}
}

// free tells whether nobody else has, had or will have a text.
func (m *maker) free(c *subject, name, text string) bool {
	n := m.numbersOf(c.source.Kind)
	folded := strings.ToLower(text)
	others := func(id directory.ID) bool { return id != c.target.ID }
	if slices.ContainsFunc(n.held[name][folded], others) {
		return false
	}
	for _, used := range []map[string]map[string]directory.Key{n.buried, n.claimed} {
		if by, ok := used[name][folded]; ok && by != c.source.Key {
			return false
		}
	}
	if name != m.in.Abilities.IDAttribute[c.source.Kind] {
		return true
	}
	key := directory.Key{Kind: c.source.Kind, ID: directory.ID(folded)}
	_, claimed := m.claimed[key]
	return !claimed && m.takenID(key) == ""
}

// numbersOf gives what is in use of the attributes of a kind.
func (m *maker) numbersOf(kind directory.Kind) *numbers {
	if m.used[kind] != nil {
		return m.used[kind]
	}
	n := &numbers{
		held: map[string]map[string][]directory.ID{}, buried: map[string]map[string]directory.Key{}, claimed: map[string]map[string]directory.Key{},
	}
	names := m.mapping(kind).Targets()
	for o := range m.in.Target.All(kind) {
		for _, name := range names {
			if v := o.Attributes[name]; v.Type() == directory.Text && !v.IsEmpty() {
				put(n.held, name, strings.ToLower(v.Text()), append(n.held[name][strings.ToLower(v.Text())], o.ID))
			}
		}
	}
	idAttr := m.in.Abilities.IDAttribute[kind]
	for i := range m.in.Links {
		l := &m.in.Links[i]
		if l.Source.Kind != kind {
			continue
		}
		if idAttr != "" && !l.Live() {
			put(n.buried, idAttr, strings.ToLower(string(l.Target.ID)), l.Source)
		}
		m.rememberWritten(n, l, names)
	}
	m.used[kind] = n
	return n
}

// rememberWritten takes what was written to an account that is deleted, or that the
// target does not show.
func (m *maker) rememberWritten(n *numbers, l *mapping.Link, names []string) {
	o, there := m.in.Target.Get(l.Target)
	for _, name := range names {
		v := l.Written[name]
		if v.Type() != directory.Text || v.IsEmpty() || there && o.Attributes[name].Type() != directory.Unknown {
			continue
		}
		put(n.buried, name, strings.ToLower(v.Text()), l.Source)
	}
}

func put[V any](table map[string]map[string]V, name, text string, v V) {
	if table[name] == nil {
		table[name] = map[string]V{}
	}
	table[name][text] = v
}

// claim keeps the numbered texts of a drafted change from everybody after it.
func (m *maker) claim(c *subject, out *outcome) {
	for _, name := range out.numbered {
		if text := out.want[name].Text(); text != "" {
			put(m.numbersOf(c.source.Kind).claimed, name, strings.ToLower(text), c.source.Key)
		}
	}
}

// sayNoNumber says that a text cannot be made the only one.
func sayNoNumber(out *outcome) string {
	names := strings.Join(out.numbered, ", ")
	return sprintf("no number up to %d makes %s the only one: give it another text / 从 1 到 %[1]d 都不能让 %[2]s 唯一：请换一个文本", mostNumbers, names)
}
