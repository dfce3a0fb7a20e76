package matrix

import (
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// long tells whether the long form is asked for (ROLLCALL_LONG=1): every fault on every page, every case.
func long() bool { return os.Getenv("ROLLCALL_LONG") != "" }

// tampered is a system that is a source, with hands that make its reading go wrong.
type tampered struct {
	system
	name   string
	source connector.Source
	// breaker makes pages fail; nil: there are none.
	breaker breaker
	// One of these is the medium.
	http *barrier
	tap  *tap
	shim *shim
	file *roster
	// clock is the system's.
	clock *clock
}

// sourceKind is a kind of system in its form for these tests: small pages, and
// something between it and the connector.
type sourceKind struct {
	name string
	open func(*testing.T, *lab) *tampered
}

// smallPage is how many people one page holds where the connector chooses it.
const smallPage = 5

func sourceKinds() []sourceKind {
	return []sourceKind{
		{"feishu", openFeishu},
		{"wecom", openWeCom},
		{"dingtalk", openDingTalk},
		{"ldap", openTapped},
		{"scim", openSCIM},
		{"csv", openRoster},
		{"sqlite", openShimmed},
	}
}

// behindBarrier makes a source of an HTTP service.
func behindBarrier(name string, s interface {
	system
	behind(*barrier) connector.Source
}, c *clock, b *barrier,
) *tampered {
	return &tampered{system: s, name: name, source: s.behind(b), breaker: b, http: b, clock: c}
}

func openFeishu(t *testing.T, _ *lab) *tampered {
	t.Helper()
	c := newClock()
	s := &feishuTenant{Sim: feishusim.New(feishusim.Options{Now: c.time, PageSize: 2}), t: t, clock: c, units: map[string]string{}}
	return behindBarrier("feishu", s, c, &barrier{
		isPage: func(r *http.Request, _ []byte) bool {
			// A page of one is how the connector looks whether it still sees all staff.
			return (strings.HasSuffix(r.URL.Path, "/departments/0/children") || strings.HasSuffix(r.URL.Path, "/users/find_by_department")) &&
				parameter(r.URL, "page_size") != "1"
		},
		limit: func(h http.Header) (int, string) {
			h.Set("x-ogw-ratelimit-reset", "1")
			return http.StatusTooManyRequests, `{"code":99991400,"msg":"request trigger frequency limit"}`
		},
	})
}

func openWeCom(t *testing.T, l *lab) *tampered {
	t.Helper()
	s, _ := newWeCom(t, l).(*wecomCorp)
	return behindBarrier("wecom", s, s.clock, &barrier{
		page: smallPage,
		isPage: func(r *http.Request, _ []byte) bool {
			for _, path := range []string{"/user/list_id", "/department/list", "/department/simplelist", "/user/list"} {
				if strings.HasSuffix(r.URL.Path, path) {
					return true
				}
			}
			return false
		},
		limit: func(http.Header) (int, string) {
			return http.StatusOK, `{"errcode":45009,"errmsg":"api freq out of limit"}`
		},
	})
}

func openDingTalk(t *testing.T, l *lab) *tampered {
	t.Helper()
	s, _ := newDingTalk(t, l).(*dingtalkCorp)
	return behindBarrier("dingtalk", s, s.clock, &barrier{
		page: 2,
		isPage: func(r *http.Request, _ []byte) bool {
			return strings.HasSuffix(r.URL.Path, "/department/listsub") || strings.HasSuffix(r.URL.Path, "/v2/user/list")
		},
		limit: func(http.Header) (int, string) {
			return http.StatusOK, `{"errcode":88,"sub_code":"90018","sub_msg":"您的服务器调用钉钉开放平台当前接口的QPS超出上限","errmsg":"ding talk error"}`
		},
	})
}

func openSCIM(t *testing.T, l *lab) *tampered {
	t.Helper()
	s, _ := newSCIM(t, l).(*scimService)
	return behindBarrier("scim", s, s.clock, &barrier{
		page: smallPage,
		isPage: func(r *http.Request, _ []byte) bool {
			listed := r.URL.Path == "/Users" || r.URL.Path == "/Groups"
			return r.Method == http.MethodGet && listed && parameter(r.URL, "count") != "1" && parameter(r.URL, "filter") == ""
		},
		limit: func(h http.Header) (int, string) {
			h.Set("Retry-After", "1")
			return http.StatusTooManyRequests, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"429"}`
		},
	})
}

func openTapped(t *testing.T, l *lab) *tampered {
	t.Helper()
	s, _ := newLDAP(t, l).(*ldapCompany)
	p := newTap(t, s.addr)
	return &tampered{system: s, name: "ldap", source: s.at(p.addr, smallPage), breaker: p, tap: p, clock: s.clock}
}

func openShimmed(t *testing.T, l *lab) *tampered {
	t.Helper()
	s, _ := newSQLite(t, l).(*database)
	f := &shim{}
	return &tampered{system: s, name: "sqlite", source: s.through(f.wrap), breaker: f, shim: f, clock: s.clock}
}

func openRoster(t *testing.T, l *lab) *tampered {
	t.Helper()
	s, _ := newCSV(t, l).(*roster)
	return &tampered{system: s, name: "csv", source: s.connect(), file: s, clock: s.clock}
}

// hooked lets something happen around a connector's own reading and asking.
type hooked struct {
	connector.Source
	afterRead func()
	lookup    func(connector.Sighting, directory.ID) connector.Sighting
}

func (h *hooked) Read(ctx context.Context) (*directory.Snapshot, error) {
	s, err := h.Source.Read(ctx)
	if h.afterRead != nil {
		h.afterRead()
	}
	return s, err
}

func (h *hooked) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	seen, err := h.Source.Lookup(ctx, kind, ids)
	if h.lookup != nil {
		for i := range seen {
			seen[i] = h.lookup(seen[i], ids[i])
		}
	}
	return seen, err
}

// faultWorld is a flow from a tampered source in which everybody is linked, leavers are
// disabled, and every guard and vote that could stand in the way is set wide: what is
// taken for a leaver loses the account at once.
type faultWorld struct {
	*pair
	src    *tampered
	hooks  *hooked
	leaves []string // have really left
}

// The small company: people in five departments of three levels, and a department
// without anybody.
const (
	smallStaff = 24
	emptyUnit  = "d06"
)

func smallCompany(people int) *company {
	c := &company{units: map[string]unit{}, people: map[string]person{}}
	for i, parent := range []string{"", "", "d01", "d01", "d03", "d02"} {
		u := unit{key: unitKey(i), name: unitNames[i], parent: parent}
		c.units[u.key] = u
	}
	for i := 1; i <= people; i++ {
		p := person{
			no: number(i), name: fmt.Sprintf("张%d", i), title: "工程师", mobile: fmt.Sprintf("138%08d", 1000+i), email: fmt.Sprintf("e%04d@example.com", i),
			in: []string{unitKey(i % 5)},
		}
		c.people[p.no] = p
	}
	return c
}

// wide are guards that stop nothing.
func wide() plan.Guard {
	return plan.Guard{MaxDelete: 1000, MaxDeletePercent: 100, MaxDeletePercentPerDepartment: 100, MaxShrinkPercent: 100, MaxChangePercent: 100}
}

// faultOptions change what is usual in a faultWorld.
type faultOptions struct {
	people int // 0 = smallStaff
	flow   func(*plan.Flow)
	engine engine.Options
}

// newFaultWorld makes one and imports everybody.
func newFaultWorld(t *testing.T, src *tampered, o faultOptions) *faultWorld {
	t.Helper()
	if o.people == 0 {
		o.people = smallStaff
	}
	target := newSCIM(t, nil)
	if src.name == "scim" {
		target = newFeishu(t, nil)
	}
	w := &faultWorld{
		pair: &pair{t: t, from: src.system, to: target, bell: newBell(), gone: map[string]bool{}, c: smallCompany(o.people)},
		src:  src, hooks: &hooked{Source: src.source},
	}
	if !src.traits().units {
		delete(w.c.units, emptyUnit) // it stands in nobody's row
	}
	f := w.flow()
	f.Leavers = plan.Leavers{First: plan.Disable, When: f.Leavers.When}
	f.Guard, f.Approve.DisableOver = wide(), 1000
	if o.flow != nil {
		o.flow(&f)
	}
	w.open(w.hooks, o.engine, f)
	w.seed()
	r := w.run()
	if r.State != run.Succeeded || r.Counts.Create < o.people {
		t.Fatalf("import: the run is %s, %+v: %s\n%s", r.State, r.Counts, r.Reason, w.trouble(r))
	}
	return w
}

// someGo lets three people really leave, and the empty department vanish. In a
// healthy reading they lose their accounts: see control.
func (w *faultWorld) someGo() {
	w.t.Helper()
	w.leaves = []string{number(7), number(12), number(20)}
	for _, no := range w.leaves {
		w.from.leave(no)
		delete(w.c.people, no)
		w.gone[no] = true
	}
	delete(w.c.units, emptyUnit)
	w.from.flush(w.c)
	if w.from.traits().units {
		w.from.dropUnit(emptyUnit)
	}
}

// control sees that without the fault just those who left lose their accounts: the
// cases before it could have failed.
func (w *faultWorld) control() run.Run {
	w.t.Helper()
	r := w.agree(w.run())
	if r.State != run.Succeeded || r.Counts.Disable != len(w.leaves) {
		w.t.Fatalf("control: the run is %s, %+v: %s\n%s", r.State, r.Counts, r.Reason, w.trouble(r))
	}
	w.leftNow()
	return r
}

// leftNow sees that just those who left have lost their accounts, by now.
func (w *faultWorld) leftNow() {
	w.t.Helper()
	if r := w.agree(w.run()); r.State != run.Succeeded && r.State != run.NothingToDo {
		w.t.Fatalf("control: the run is %s: %s", r.State, r.Reason)
	}
	for no, h := range w.to.look().people {
		if h.active == slices.Contains(w.leaves, no) {
			w.t.Errorf("control: the account of %s is active: %v", no, h.active)
		}
	}
}

// failing lets the flow run once while a page fails. See harmless.
func (w *faultWorld) failing(way string, page int, states ...run.State) {
	w.t.Helper()
	b := w.src.breaker
	b.spoil(way, page, -1)
	name := fmt.Sprintf("%s, page %d", way, page)
	w.harmless(name, states...)
	if b.hits() == 0 {
		w.t.Errorf("%s: no such page was asked for, only %d", name, b.pages())
	}
	w.src.mend()
}

// whole lets the flow run once, and sees that its source was read to the end.
func (w *faultWorld) whole(name string) directory.Health {
	w.t.Helper()
	r := w.agree(w.run())
	made, err := w.store.Plan(w.t.Context(), r.Code)
	if err != nil {
		w.t.Fatalf("%s: the run is %s without a plan: %s", name, r.State, r.Reason)
	}
	h := made.Source.Health
	if r.State != run.Succeeded && r.State != run.NothingToDo || h.PartialFor != "" {
		w.t.Errorf("%s: the run is %s: %s\n%s", name, r.State, r.Reason, w.trouble(r))
	}
	return h
}

// harmless lets the flow run once, under a fault. Nobody may lose an account, nothing
// may be written, and a person must be told why, in both languages.
func (w *faultWorld) harmless(name string, states ...run.State) run.Run {
	w.t.Helper()
	before := w.target.writes.Load()
	r := w.untouched(name)
	if !slices.Contains(states, r.State) {
		w.t.Errorf("%s: the run is %s, want %v: %s\n%s", name, r.State, states, r.Reason, w.trouble(r))
	}
	if n := w.target.writes.Load() - before; n != 0 {
		w.t.Errorf("%s: %d writes\n%s", name, n, w.trouble(r))
	}
	w.explained(name, r)
	return r
}

// untouched lets the flow run once. Nothing may be taken away, nor be put up for a vote.
func (w *faultWorld) untouched(name string) run.Run {
	w.t.Helper()
	before := w.target.taken.Load()
	r := w.run()
	if n := w.target.taken.Load() - before; n != 0 || r.Counts.Destructive() != 0 {
		w.t.Fatalf("%s: the run is %s and would take away %d, %d were taken: %s\n%s", name, r.State, r.Counts.Destructive(), n, r.Reason, w.trouble(r))
	}
	return r
}

// explained sees that the run says what was wrong in English and in Chinese.
func (w *faultWorld) explained(name string, r run.Run) string {
	w.t.Helper()
	said := w.said(r)
	for _, s := range said {
		if !bilingual(s) {
			w.t.Errorf("%s: not in both languages: %q", name, s)
		}
	}
	if len(said) == 0 {
		w.t.Errorf("%s: the run is %s, and nobody is told why", name, r.State)
	}
	return strings.Join(said, "\n")
}

// said gives what a run says of itself and of its source.
func (w *faultWorld) said(r run.Run) []string {
	w.t.Helper()
	var out []string
	if r.Reason != "" {
		out = append(out, r.Reason)
	}
	made, err := w.store.Plan(w.t.Context(), r.Code)
	if err != nil {
		return out // none was made
	}
	if why := made.Source.Health.PartialFor; why != "" {
		out = append(out, why)
	}
	for _, n := range made.Notes {
		if n.Kind == plan.Kept || n.Kind == plan.Unclear || n.Kind == plan.Conflict || n.Kind == plan.LeftActive {
			out = append(out, n.Say)
		}
	}
	return out
}

// bilingual tells whether a reader of each language gets a sentence in it.
func bilingual(s string) bool {
	english, chinese := fault.In(s, "en"), fault.In(s, "zh")
	letters := func(r rune) bool { return r < 0x80 && unicode.IsLetter(r) }
	return english != chinese && strings.ContainsFunc(english, letters) && strings.ContainsFunc(chinese, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// eachSource runs a test for every kind of source that it applies to. The race detector,
// which is for what happens at once and makes the record ten times slower, sees every
// third, other ones in each test.
func eachSource(t *testing.T, without []string, test func(t *testing.T, src *tampered)) {
	t.Helper()
	l := &lab{t: t}
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.Name()))
	turn := int(h.Sum32() % 3)
	for i, k := range sourceKinds() {
		if slices.Contains(without, k.name) || raced && !long() && i%3 != turn {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			test(t, k.open(t, l))
		})
	}
}
