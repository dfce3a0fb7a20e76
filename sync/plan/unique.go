package plan

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
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

// numbers knows which texts of a kind are in use in the target, of the attributes that
// somebody asked for: a target may have a million accounts with many attributes.
type numbers struct {
	texts map[string]*texts
	dead  map[directory.Key][]*mapping.Link // of deleted accounts, by source
	next  map[string]int                    // by marked texts: smaller numbers are taken, but perhaps by whoever asks
}

// texts are the folded texts of one attribute.
type texts struct {
	held    owners[directory.ID]  // in the target
	buried  owners[directory.Key] // by accounts that are deleted, or whose value the target hides, of sources
	claimed owners[directory.Key] // by this plan, for sources
}

// owners tells who has a text. Most texts have one owner.
type owners[K comparable] struct {
	one  map[string]K
	more map[string]bool
}

func (o *owners[K]) add(text string, owner K) {
	if o.one == nil {
		o.one, o.more = map[string]K{}, map[string]bool{}
	}
	switch was, there := o.one[text]; {
	case !there:
		o.one[text] = owner
	case was != owner:
		o.more[text] = true
	}
}

// others tells whether somebody else has a text.
func (o *owners[K]) others(text string, me K) bool {
	owner, there := o.one[text]
	return there && (owner != me || o.more[text])
}

// fold gives the form in which two texts of an attribute count as one: systems compare
// names without case, and some without the width of letters.
func fold(name, text string) string { return mapping.Normal(name, text) }

// number replaces the marks in what an object should look like. Nothing is claimed
// yet: see claim. Faults: Invalid when no number is free, and for a mark that cannot
// be replaced.
func (m *maker) number(c *subject, out *outcome) error {
	marked, err := m.marked(c, out)
	if err != nil || len(marked) == 0 {
		return err
	}
	idAttr := m.in.Abilities.IDAttribute[c.source.Kind]
	var have directory.Attributes
	candidates := make([]int, 0, len(marked)+1)
	all := marked
	if c.exists() {
		have = m.known(c)
		if slices.Contains(marked, idAttr) { // the account's id is given once; the others follow it
			candidates = appendFolded(candidates, idAttr, out.want[idAttr].Text(), string(c.target.ID))
			out.want[idAttr] = directory.TextOf(string(c.target.ID))
			marked = slices.DeleteFunc(slices.Clone(marked), func(name string) bool { return name == idAttr })
		}
		for _, name := range marked {
			candidates = appendFolded(candidates, name, out.want[name].Text(), have[name].Text())
		}
	}
	whole := !m.partial && m.in.Target.Complete()
	fits := func(n int) bool {
		return !slices.ContainsFunc(marked, func(name string) bool {
			text := numbered(out.want[name].Text(), n)
			return fold(name, text) != fold(name, have[name].Text()) && (!whole || !m.free(c, name, text))
		})
	}
	i := slices.IndexFunc(candidates, fits)
	switch {
	case i >= 0:
		numberAs(out, marked, candidates[i])
	case !whole: // what is free cannot be told
		m.unnumbered(c, out, marked)
	default:
		n := m.firstFree(c, out, marked, fits)
		if n > mostNumbers {
			return fault.New(fault.Invalid, "%s", sayNoNumber(all))
		}
		numberAs(out, marked, n)
	}
	return nil
}

// firstFree gives the smallest number that fits, or more than mostNumbers. Many may ask
// with the same texts: what the last one found taken is not looked at again, but for
// what is taken by nobody but who asks.
func (m *maker) firstFree(c *subject, out *outcome, marked []string, fits func(int) bool) int {
	used := m.numbersOf(c.source.Kind)
	var pattern strings.Builder
	for _, name := range marked {
		pattern.WriteString(name + "\x00" + out.want[name].Text() + "\x00")
	}
	start := max(used.next[pattern.String()], 1)
	var own []int
	for _, l := range used.dead[c.source.Key] {
		for _, name := range marked {
			marked := out.want[name].Text()
			own = appendFolded(appendFolded(own, name, marked, l.Written[name].Text()), name, marked, string(l.Target.ID))
		}
	}
	slices.Sort(own)
	for _, n := range own {
		if n < start && fits(n) {
			return n
		}
	}
	n := start
	for n <= mostNumbers && !fits(n) {
		n++
	}
	used.next[pattern.String()] = n
	return n
}

// marked gives the attributes in which a rule's mark is to be replaced. What HR wrote,
// and the rule left as it was, has none. Faults: Invalid for a mark in a list, where it
// would be written as it stands, and for one without a text.
func (m *maker) marked(c *subject, out *outcome) ([]string, error) {
	names := slices.DeleteFunc(markedNames(out.want), func(name string) bool {
		return c.out != nil && c.out.want[name].Equal(out.want[name])
	})
	for _, name := range out.want.Names() {
		v := out.want[name]
		if v.Type() == directory.List && strings.Contains(strings.Join(v.List(), "\n"), Mark) && (c.out == nil || !c.out.want[name].Equal(v)) {
			return nil, fault.New(fault.Invalid, "the rule marked %s with unique, which is a list: unique is for single texts / 规则对 %[1]s 用了 unique，但它是列表：unique 只能用于单个文本", name)
		}
	}
	for _, name := range names {
		if strings.TrimSpace(numbered(out.want[name].Text(), 1)) == "" {
			return nil, fault.New(fault.Invalid, "the rule wrote %s as a bare %s: write a text before it / 规则给 %[1]s 只写了 %[2]s：请在它前面写上文本", name, Mark)
		}
	}
	return names, nil
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

// appendFolded is appendNumber of texts that count as one.
func appendFolded(list []int, name, marked, have string) []int {
	return appendNumber(list, fold(name, marked), fold(name, have))
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
	t, folded := m.textsOf(c.source.Kind, name), fold(name, text)
	if t.held.others(folded, c.target.ID) || t.buried.others(folded, c.source.Key) || t.claimed.others(folded, c.source.Key) {
		return false
	}
	if name != m.in.Abilities.IDAttribute[c.source.Kind] {
		return true
	}
	key := directory.Key{Kind: c.source.Kind, ID: directory.ID(strings.ToLower(text))}
	_, claimed := m.claimed[key]
	return !claimed && m.takenID(key) == ""
}

// numbersOf gives what is known of the texts of a kind.
func (m *maker) numbersOf(kind directory.Kind) *numbers {
	if m.used[kind] != nil {
		return m.used[kind]
	}
	n := &numbers{texts: map[string]*texts{}, dead: map[directory.Key][]*mapping.Link{}, next: map[string]int{}}
	for i := range m.in.Links {
		if l := &m.in.Links[i]; l.Source.Kind == kind && !m.in.Target.Has(l.Target) {
			n.dead[l.Source] = append(n.dead[l.Source], l)
		}
	}
	m.used[kind] = n
	return n
}

// textsOf gives what is in use of one attribute.
func (m *maker) textsOf(kind directory.Kind, name string) *texts {
	n := m.numbersOf(kind)
	if n.texts[name] != nil {
		return n.texts[name]
	}
	t := &texts{}
	n.texts[name] = t
	isID := name == m.in.Abilities.IDAttribute[kind]
	for o := range m.in.Target.All(kind) {
		for _, text := range textsIn(o.Attributes[name]) {
			t.held.add(fold(name, text), o.ID)
		}
		if isID {
			t.held.add(fold(name, string(o.ID)), o.ID)
		}
	}
	for i := range m.in.Links {
		l := &m.in.Links[i]
		o, there := m.in.Target.Get(l.Target)
		if l.Source.Kind != kind || there && o.Attributes[name].Type() != directory.Unknown {
			continue
		}
		for _, text := range textsIn(l.Written[name]) {
			t.buried.add(fold(name, text), l.Source)
		}
		if isID && !there {
			t.buried.add(fold(name, string(l.Target.ID)), l.Source)
		}
	}
	for _, d := range m.drafts {
		if d.Key.Kind == kind && !d.Op.Destructive() {
			t.claim(name, d)
		}
	}
	return t
}

// textsIn gives the texts of a value, none of an empty one.
func textsIn(v directory.Value) []string {
	switch {
	case v.IsEmpty():
		return nil
	case v.Type() == directory.Text:
		return []string{v.Text()}
	case v.Type() == directory.List:
		return v.List()
	default:
		return nil
	}
}

func (t *texts) claim(name string, d *draft) {
	for _, text := range textsIn(d.After[name]) {
		t.claimed.add(fold(name, text), d.Source)
	}
}

// claim keeps the texts of a drafted change from everybody after it who asks for a
// number.
func (m *maker) claim(d *draft) {
	if m.used[d.Key.Kind] == nil {
		return
	}
	for name, t := range m.used[d.Key.Kind].texts {
		t.claim(name, d)
	}
}

// sayNoNumber says that a text cannot be made the only one.
func sayNoNumber(marked []string) string {
	names := strings.Join(marked, ", ")
	return sprintf("no number up to %d makes %s the only one: give it another text / 从 1 到 %[1]d 都不能让 %[2]s 唯一：请换一个文本", mostNumbers, names)
}
