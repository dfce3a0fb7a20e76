package connectortest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

const memoryPage = 3

// memory is a system and its connector in one, with one sort of flaw.
type memory struct {
	flaw string

	mu      sync.Mutex
	objects map[directory.Key]directory.Object
	effects int
	calls   int
	tokens  int
	hidden  map[directory.Key]bool

	noPhone   bool
	wrong     bool
	down      bool
	expire    int // page at which the token is refused
	badPage   int
	badTimes  int
	badKind   fault.Kind
	truncated int
	next      string // what happens to the next write: cut-after, cut-before, limit, hang
	hang      string // what hangs: read, write
	arrived   chan struct{}
	refusal   fault.Kind
}

var (
	_ connector.Target = (*memory)(nil)
	_ connector.Prober = (*memory)(nil)
)

func newMemory(flaw string) *memory {
	return &memory{flaw: flaw, objects: map[directory.Key]directory.Object{}, hidden: map[directory.Key]bool{}}
}

func (m *memory) Describe() connector.Info {
	every := []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete}
	text := func(kind directory.Kind, name string) connector.Attribute {
		return connector.Attribute{Kind: kind, Name: name, Type: directory.Text, Writable: true}
	}
	refs := func(kind directory.Kind, name string) connector.Attribute {
		return connector.Attribute{Kind: kind, Name: name, Type: directory.Refs, Writable: true}
	}
	info := connector.Info{
		Type: "memory", Tenant: "m1", IDAttribute: "id", DepartmentIDAttribute: "id",
		Ops: map[directory.Kind][]plan.Op{
			directory.User: every, directory.Department: {plan.Create, plan.Update, plan.Delete},
		},
		Attributes: []connector.Attribute{
			text(directory.User, "id"), text(directory.User, "name"), text(directory.User, "mobile"),
			refs(directory.User, "departments"),
			text(directory.Department, "id"), text(directory.Department, "name"), refs(directory.Department, "parent"),
		},
		CallTimeout: time.Second,
		Reads:       func(users, _ int) int { return 1 + max(1, (users+memoryPage-1)/memoryPage) },
		DeleteMeans: connector.Text{ZH: "没有了", EN: "gone"}, DisableMeans: connector.Text{ZH: "停用", EN: "frozen"},
	}
	if m.flaw == "undescribed" {
		info.Attributes = info.Attributes[:2]
	}
	return info
}

func say(kind fault.Kind) error { return fault.New(kind, "it does not work / 不行 (%s)", kind) }

// call counts one request and tells what becomes of it.
func (m *memory) call(ctx context.Context) error {
	if ctx.Err() != nil {
		return say(fault.Unavailable)
	}
	m.calls++
	if m.flaw == "many calls" {
		m.calls++
	}
	switch {
	case m.wrong:
		m.tokens++
		if m.flaw == "hammers" {
			m.tokens += 5
		}
		return say(fault.Credential)
	case m.down:
		return say(fault.Unavailable)
	case m.refusal != "":
		return say(m.refusal)
	case m.hang == "read":
		m.hang = ""
		close(m.arrived)
		<-ctx.Done()
		return say(fault.Unavailable)
	}
	return nil
}

// page gives one page of users, trying again three times.
func (m *memory) page(ctx context.Context, list []directory.Object, page int, h *directory.Health) ([]directory.Object, error) {
	for try := range 3 {
		if try > 0 {
			h.Retries++
		}
		if err := m.call(ctx); err != nil {
			return nil, err
		}
		if m.expire == page {
			m.expire = 0
			m.tokens++
			continue
		}
		if m.badPage > 0 && page >= m.badPage && m.badTimes != 0 {
			m.badTimes--
			continue
		}
		if m.truncated == page {
			return nil, say(fault.Unavailable)
		}
		h.Pages++
		from := min((page-1)*memoryPage, len(list))
		return list[from:min(page*memoryPage, len(list))], nil
	}
	return nil, say(m.badKind)
}

func (m *memory) Read(ctx context.Context) (*directory.Snapshot, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := directory.NewBuilder("memory", time.Unix(0, 0))
	count := connector.CounterOf(ctx)
	if err := m.call(ctx); err != nil {
		return nil, err
	}
	for _, o := range m.list(directory.Department) {
		b.Add(o)
		count.Add(o.Kind)
		b.Health().Departments++
	}
	list := m.list(directory.User)
	pages := max(1, (len(list)+memoryPage-1)/memoryPage)
	if m.flaw == "first page" {
		pages = 1
	}
	for p := 1; p <= pages; p++ {
		objects, err := m.page(ctx, list, p, b.Health())
		if err != nil && m.flaw == "shorter list" {
			break
		}
		if err != nil {
			b.Incomplete("%s", fault.Say(err))
			break
		}
		for _, o := range objects {
			b.Add(o)
			if m.flaw != "silent" {
				count.Add(o.Kind)
			}
		}
	}
	if m.noPhone {
		b.Health().Hidden = []string{"memory:phone"}
	}
	if len(m.hidden) > 0 {
		b.Incomplete("a part is hidden / 有一部分看不到")
	}
	s, _ := b.Finish()
	return s, nil
}

// list gives the objects of a kind as they are shown, in order.
func (m *memory) list(kind directory.Kind) []directory.Object {
	var out []directory.Object
	for key, o := range m.objects {
		if key.Kind == kind && !m.hidden[key] {
			out = append(out, m.shown(o))
		}
	}
	slices.SortFunc(out, func(a, b directory.Object) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out
}

func (m *memory) shown(o directory.Object) directory.Object {
	o.Attributes = o.Attributes.Clone()
	if m.noPhone && o.Kind == directory.User {
		o.Attributes["mobile"] = directory.Hidden("memory:phone")
		if m.flaw == "hidden is empty" {
			o.Attributes["mobile"] = directory.TextOf("")
		}
	}
	return o
}

func (m *memory) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(ids) == 0 {
		return nil, nil
	}
	if err := m.call(ctx); err != nil {
		if m.flaw == "failure is gone" {
			return allOf(len(ids), connector.Gone), nil
		}
		return nil, err
	}
	out := make([]connector.Sighting, len(ids))
	for i, id := range ids {
		key := directory.Key{Kind: kind, ID: id}
		o, ok := m.objects[key]
		switch {
		case m.hidden[key] && m.flaw != "hidden is gone":
			out[i] = connector.Sighting{Why: "not visible / 看不到"}
		case ok && !m.hidden[key]:
			out[i] = connector.Sighting{Presence: connector.Present, Object: m.shown(o)}
		default:
			out[i] = connector.Sighting{Presence: connector.Gone}
		}
	}
	return out, nil
}

func allOf(n int, p connector.Presence) []connector.Sighting {
	return slices.Repeat([]connector.Sighting{{Presence: p}}, n)
}

func (m *memory) Probe(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.call(ctx)
}

func (m *memory) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.call(ctx); err != nil {
		return directory.Key{}, err
	}
	key, err := m.judge(w)
	if err != nil || key.ID == "" {
		return w.Key, err
	}
	how := m.next
	m.next = ""
	switch how {
	case "limit":
		if m.flaw != "repeats" {
			return key, say(fault.Limited)
		}
	case "cut-before":
		if m.flaw != "repeats" {
			return key, say(fault.Unavailable)
		}
	case "cut-after":
		m.effect(w, key)
		if m.flaw == "repeats" {
			m.effect(w, key)
		}
		return key, say(fault.InDoubt)
	case "hang":
		m.effect(w, key)
		close(m.arrived)
		<-ctx.Done()
		if m.flaw == "certain" {
			return key, say(fault.Unavailable)
		}
		return key, say(fault.InDoubt)
	}
	m.effect(w, key)
	return key, nil
}

// judge says whether a write may be done; no key and no error means that there
// is nothing to do.
func (m *memory) judge(w connector.Write) (directory.Key, error) {
	_, exists := m.objects[w.Key]
	for name, v := range w.After {
		if _, ok := m.Describe().Attribute(w.Key.Kind, name); !ok && name != directory.AttrActive || v.Type() == directory.Unknown {
			return directory.Key{}, say(fault.Invalid)
		}
	}
	if err := m.judgeParent(w); err != nil {
		return directory.Key{}, err
	}
	switch {
	case !m.Describe().Can(w.Key.Kind, w.Op):
		return directory.Key{}, say(fault.Unsupported)
	case w.Op == plan.Create && exists:
		return directory.Key{}, say(fault.Conflict)
	case w.Op == plan.Delete && !exists:
		return directory.Key{}, nil
	case w.Op != plan.Create && !exists:
		return directory.Key{}, say(fault.NotFound)
	case w.Op == plan.Delete && m.inhabited(w.Key):
		return directory.Key{}, say(fault.Conflict)
	}
	return w.Key, nil
}

func (m *memory) judgeParent(w connector.Write) error {
	for _, ref := range w.After["parent"].Refs() {
		for up := ref.Key; up.ID != ""; {
			o, ok := m.objects[up]
			if up == w.Key || !ok {
				return say(fault.Invalid)
			}
			up = departmentKey("")
			for _, parent := range o.Attributes["parent"].Refs() {
				up = parent.Key
			}
		}
	}
	return nil
}

func (m *memory) inhabited(key directory.Key) bool {
	for _, o := range m.objects {
		for _, name := range []string{"parent", "departments"} {
			for _, ref := range o.Attributes[name].Refs() {
				if ref.Key == key {
					return true
				}
			}
		}
	}
	return false
}

func (m *memory) effect(w connector.Write, key directory.Key) {
	m.effects++
	o, ok := m.objects[key]
	if !ok {
		o = directory.Object{Key: key, Active: true, Attributes: directory.Attributes{}}
	}
	o.Attributes = o.Attributes.Clone()
	maps.Copy(o.Attributes, w.After)
	if m.flaw == "zero values" && w.Op == plan.Update && key.Kind == directory.User {
		if _, given := w.After["departments"]; !given {
			o.Attributes["departments"] = directory.RefsTo()
		}
	}
	delete(o.Attributes, directory.AttrActive)
	if active, ok := w.After[directory.AttrActive].Bool(); ok {
		o.Active = active
	}
	switch w.Op {
	case plan.Disable:
		o.Active = false
	case plan.Delete:
		delete(m.objects, key)
		return
	}
	m.objects[key] = o
}
