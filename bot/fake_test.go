package bot

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

var update = flag.Bool("update", false, "write the golden files and the pages of docs")

// golden compares a text with a file.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not what is made now (run with -update):\n%s", path, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		x, y := "", ""
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return fmt.Sprintf("line %d\nwant: %s\ngot:  %s", i+1, x, y)
		}
	}
	return ""
}

var (
	shanghai = time.FixedZone("CST", 8*3600)
	morning  = time.Date(2026, 10, 8, 10, 5, 0, 0, shanghai)
)

// nthCode gives codes that are always the same.
func nthCode(n int) run.Code {
	c, err := run.NewCode(bytes.NewReader([]byte{7, byte(n), 3, byte(n * 5), 2}))
	if err != nil {
		panic(err)
	}
	return c
}

// service is an engine in memory.
type service struct {
	mu      sync.Mutex
	now     func() time.Time
	mail    *mailbox
	runs    map[run.Code]run.Run
	order   []run.Code
	plans   map[run.Code]*plan.Plan
	votes   map[run.Code][]run.Vote
	entries map[run.Code][]run.Entry
	people  []run.Person
	broken  error // what every call gives
	panics  bool
	set     fakeSettings
}

var _ Service = (*service)(nil)

func (s *service) fails() error {
	if s.panics {
		panic("the engine is on fire")
	}
	return s.broken
}

func (s *service) may(by run.Actor, role run.Role, flow string) error {
	for _, p := range s.people {
		if p.Name == by.Person && p.May(role, flow) {
			return nil
		}
	}
	return fault.New(fault.Denied, "you lack the role %s for flow %s / 你没有流程 %[2]s 的 %[1]s 角色", role, flow)
}

func (s *service) Start(_ context.Context, req run.Request) (run.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails(); err != nil {
		return run.Run{}, err
	}
	for _, r := range s.runs {
		if r.RequestID == req.ID {
			return r, nil
		}
	}
	if err := s.may(req.By, run.Operator, req.Flow); err != nil && req.Trigger == run.ByCommand {
		return run.Run{}, err
	}
	return s.add(run.Run{
		Code: nthCode(len(s.order)), Flow: req.Flow, State: run.Queued, Trigger: req.Trigger, Apply: req.Apply, By: req.By, Thread: req.Thread,
		RequestID: req.ID, Weak: req.Weak,
	}), nil
}

func (s *service) add(r run.Run) run.Run {
	r.Version, r.Created, r.Updated = 1, s.now(), s.now()
	s.runs[r.Code] = r
	s.order = append(s.order, r.Code)
	s.mail.event(run.Event{Run: r.Code, Kind: run.EventMoved})
	return r
}

// move changes a run as the engine would, and tells.
func (s *service) move(code run.Code, kind run.EventKind, fn func(r *run.Run)) run.Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.store(code, kind, fn)
}

func (s *service) store(code run.Code, kind run.EventKind, fn func(r *run.Run)) run.Run {
	r := s.runs[code]
	fn(&r)
	r.Version++
	r.Updated = s.now()
	if r.State.Ended() && r.Ended.IsZero() {
		r.Ended = s.now()
	}
	s.runs[code] = r
	s.mail.event(run.Event{Run: code, Kind: kind})
	return r
}

// planned gives a run a plan and moves it on.
func (s *service) planned(code run.Code, p *plan.Plan, to run.State) run.Run {
	s.mu.Lock()
	s.plans[code] = p
	s.mu.Unlock()
	return s.move(code, run.EventMoved, func(r *run.Run) {
		r.State, r.Plan, r.Counts, r.Tier, r.Votes, r.Notes = to, p.Digest(), p.Counts(), p.Risk.Tier, p.Risk.Votes, len(p.Notes)
		if to == run.Awaiting {
			r.Expires = s.now().Add(8 * time.Hour)
		}
	})
}

func (s *service) get(code run.Code) (run.Run, error) {
	if err := s.fails(); err != nil {
		return run.Run{}, err
	}
	r, ok := s.runs[code]
	if !ok {
		return r, fault.New(fault.NotFound, "there is no run %s / 没有运行 %s", code, code)
	}
	return r, nil
}

func (s *service) Decide(_ context.Context, v run.Vote) (run.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.get(v.Run)
	if err != nil {
		return r, err
	}
	v.At = s.now()
	switch {
	case slices.ContainsFunc(s.votes[v.Run], func(o run.Vote) bool { return o.By.Person == v.By.Person }):
		return r, fault.New(fault.Conflict, "%s has voted already / %s 已经表决过了", v.By.Person, v.By.Person)
	case r.State == run.Planned:
		return r, fault.New(fault.Conflict, "%s is only a plan / %s 只是预演，不能投票", r.Code, r.Code)
	case r.State == run.Blocked:
		return r, fault.New(fault.Conflict, "%s is blocked / %s 已被拦下，投票也无法放行", r.Code, r.Code)
	case r.State != run.Awaiting:
		return r, fault.New(fault.Conflict, "%s is decided already: %s / %s 已有结论：%s", r.Code, r.State, r.Code, r.State)
	case v.Decision == run.Reject:
		if s.may(v.By, run.Operator, r.Flow) != nil && s.may(v.By, run.Approver, r.Flow) != nil {
			return r, s.may(v.By, run.Approver, r.Flow)
		}
		s.votes[v.Run] = append(s.votes[v.Run], v)
		return s.store(v.Run, run.EventMoved, func(r *run.Run) { r.State, r.Reason = run.Rejected, cmp.Or(v.Reason, "rejected / 已驳回") }), nil
	case v.Weak:
		return r, fault.New(fault.Denied, "not through this callback / 不能通过此回调批准")
	case v.By.Person == r.By.Person:
		return r, fault.New(fault.Denied, "you asked for this plan; another person must approve it / 这个计划是你发起的，需要另一个人批准")
	case s.may(v.By, run.Approver, r.Flow) != nil:
		return r, s.may(v.By, run.Approver, r.Flow)
	case !v.Digest.IsZero() && v.Digest != r.Plan:
		return r, fault.New(fault.Stale, "the card shows another plan / 卡片上是另一个计划")
	case !v.Typed.Fits(r.Counts):
		return r, fault.New(fault.Invalid, "it deletes %d, you wrote %d / 要删除 %d 人，你写的是 %d", r.Counts.Delete, v.Typed.Delete, r.Counts.Delete, v.Typed.Delete)
	}
	v.Digest = r.Plan
	s.votes[v.Run] = append(s.votes[v.Run], v)
	if len(s.votes[v.Run]) < r.Votes {
		return s.store(v.Run, run.EventVoted, func(*run.Run) {}), nil
	}
	return s.store(v.Run, run.EventMoved, func(r *run.Run) { r.State = run.Applying }), nil
}

func (s *service) Stop(_ context.Context, code run.Code, by run.Actor, why string) (run.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.get(code)
	switch {
	case err != nil:
		return r, err
	case by.Person != r.By.Person && s.may(by, run.Operator, r.Flow) != nil:
		return r, s.may(by, run.Operator, r.Flow)
	case r.State.Ended():
		return r, fault.New(fault.Conflict, "%s has ended already: %s / %s 已经结束：%s", code, r.State, code, r.State)
	case r.State == run.Applying:
		return s.store(code, run.EventProgress, func(r *run.Run) { r.Stop, r.Reason = true, why }), nil
	}
	return s.store(code, run.EventMoved, func(r *run.Run) {
		r.State, r.Reason = run.Cancelled, cmp.Or(why, "cancelled by "+by.Person+" / 由 "+by.Person+" 取消")
	}), nil
}

func (s *service) Get(_ context.Context, code run.Code) (run.Run, *plan.Plan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.get(code)
	return r, s.plans[code], err
}

func (s *service) List(_ context.Context, f run.Filter) ([]run.Run, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.fails(); err != nil {
		return nil, err
	}
	var all []run.Run
	for _, code := range slices.Backward(s.order) {
		r := s.runs[code]
		if (f.Flow == "" || f.Flow == r.Flow) && (f.States == nil || slices.Contains(f.States, r.State)) && !r.Created.Before(f.Since) {
			all = append(all, r)
		}
	}
	return all[:min(len(all), cmp.Or(f.Limit, 50))], nil
}

func (s *service) Entries(_ context.Context, code run.Code) ([]run.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[code], s.fails()
}

func (s *service) Votes(_ context.Context, code run.Code) ([]run.Vote, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.votes[code]), s.fails()
}

// mailbox is a store in memory.
type mailbox struct {
	mu      sync.Mutex
	now     func() time.Time
	in      []run.Letter
	handled map[string]bool
	out     []run.Letter
	gone    map[string]string    // what became of a letter: sent, failed, merged, held
	held    map[string]time.Time // by letter: until when somebody has it
	places  map[string]string
	events  []run.Event
	cursor  int64
	broken  error // what the next Handled gives
	record  fakeRecord
}

var _ Mailbox = (*mailbox)(nil)

func (m *mailbox) event(e run.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.Seq, e.At = int64(len(m.events)+1), m.now()
	m.events = append(m.events, e)
}

func (m *mailbox) Claim(_ context.Context, id string, payload []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.ContainsFunc(m.in, func(l run.Letter) bool { return l.ID == id }) {
		return false, nil
	}
	m.in = append(m.in, run.Letter{ID: id, Payload: payload, At: m.now()})
	return true, nil
}

func (m *mailbox) Unhandled(_ context.Context, limit int) ([]run.Letter, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []run.Letter
	for _, l := range m.in {
		if !m.handled[l.ID] && len(all) < limit {
			all = append(all, l)
		}
	}
	return all, nil
}

func (m *mailbox) Handled(_ context.Context, id string, answers []run.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.broken; err != nil {
		m.broken = nil
		return err
	}
	m.handled[id] = true
	m.post(answers)
	return nil
}

func (m *mailbox) Place(_ context.Context, key string) (string, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.places[key]
	return at, ok, nil
}

func (m *mailbox) Events(_ context.Context, _ string, limit int) ([]run.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.events[m.cursor:]
	return slices.Clone(rest[:min(len(rest), limit)]), nil
}

func (m *mailbox) Advance(_ context.Context, _ string, seq int64, letters []run.Letter) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if seq <= m.cursor {
		return fault.New(fault.Conflict, "read already / 已读")
	}
	m.cursor = seq
	m.post(letters)
	return nil
}

// sent is one card that a platform or robot took.
type sent struct {
	by    string
	o     Outgoing
	idem  string
	place string // that was given to edit
}

// platform takes what is sent.
type platform struct {
	name  run.Platform
	can   Abilities
	mu    sync.Mutex
	took  []sent
	fails []error // for the next sendings
	hears []Message
}

var _ Platform = (*platform)(nil)

func (p *platform) Name() run.Platform { return p.name }

func (p *platform) Can() Abilities { return p.can }

func (p *platform) Listen(ctx context.Context, receive Receive) error {
	for _, m := range p.hears {
		if err := receive(ctx, m); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

func (p *platform) Send(_ context.Context, o Outgoing, idem, at string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.fails) > 0 {
		err := p.fails[0]
		if p.fails = p.fails[1:]; err != nil {
			return "", err
		}
	}
	p.took = append(p.took, sent{string(p.name), o, idem, at})
	if at != "" {
		return at, nil
	}
	return "m:" + o.Live, nil
}

// take gives what was sent since the last time.
func (p *platform) take() []sent {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.took
	p.took = nil
	return all
}

type hook struct {
	platform
}

func (h *hook) Send(ctx context.Context, o Outgoing) error {
	_, err := h.platform.Send(ctx, o, "", "")
	return err
}

// world is a bot with everything around it in memory.
type world struct {
	t        *testing.T
	clock    time.Time
	b        *Bot
	service  *service
	mail     *mailbox
	feishu   *platform
	dingtalk *platform
	hook     *hook
	in       *inbox
	log      strings.Builder
	said     int
}

// people: Li Min operates, Zhou Kai and Chen Yue approve, Wu Di looks, Boss is
// the admin of a flow that the others do not see.
func people() []run.Person {
	account := func(id string) []run.Account {
		return []run.Account{{Platform: run.Feishu, ID: "ou_" + id}, {Platform: run.DingTalk, ID: "staff_" + id}}
	}
	hr := []string{"hr-to-wecom"}
	return []run.Person{
		{Name: "Li Min", Accounts: account("limin"), Roles: map[run.Role][]string{run.Operator: hr}},
		{Name: "Zhou Kai", Accounts: account("zhoukai"), Roles: map[run.Role][]string{run.Approver: hr}},
		{Name: "Chen Yue", Accounts: account("chenyue"), Roles: map[run.Role][]string{run.Approver: hr}},
		{Name: "Wu Di", Accounts: account("wudi"), Roles: map[run.Role][]string{run.Viewer: hr}},
		{Name: "Boss", Accounts: account("boss"), Roles: map[run.Role][]string{run.Admin: {"*"}}},
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, clock: morning,
		feishu:   &platform{name: run.Feishu, can: Abilities{Edit: true, Threads: true, Buttons: true, Forms: true}},
		dingtalk: &platform{name: run.DingTalk, can: Abilities{Buttons: true}},
		hook:     &hook{platform{name: "hook"}},
	}
	now := func() time.Time { return w.clock }
	w.mail = &mailbox{now: now, handled: map[string]bool{}, gone: map[string]string{}, places: map[string]string{}}
	w.service = &service{
		now: now, mail: w.mail, runs: map[run.Code]run.Run{}, plans: map[run.Code]*plan.Plan{}, votes: map[run.Code][]run.Vote{},
		entries: map[run.Code][]run.Entry{}, people: people(),
	}
	b, err := New(w.options(now))
	if err != nil {
		t.Fatal(err)
	}
	w.b, w.in = b, newInbox(b)
	return w
}

func (w *world) options(now func() time.Time) Options {
	return Options{
		Service: w.service, Mailbox: w.mail, Platforms: []Platform{w.feishu, w.dingtalk}, Robots: map[string]Robot{"ops-hook": w.hook},
		People: people(), Now: now, Zone: shanghai, Logger: slog.New(slog.DiscardHandler),
		Rooms: []Room{
			{Name: "ops", Platform: run.Feishu, Chat: "oc_ops", Lang: ZH, Flows: []string{"hr-to-wecom"}, Webhook: "ops-hook"},
			{Name: "team", Platform: run.DingTalk, Chat: "cidTeam", Lang: EN, Flows: []string{"hr-to-wecom"}},
			{Name: "board", Platform: run.Feishu, Chat: "oc_board", Lang: EN, Flows: []string{"*"}},
			{Name: "wall", Platform: run.Feishu, Chat: "oc_wall", Lang: EN},
		},
		Flows: []Flow{
			{
				Name: "hr-to-wecom", From: "hr", To: "wecom", Rooms: []string{"ops", "wall"}, Schedule: "30 2 * * *", Expires: 8 * time.Hour,
				Next:         func(after time.Time) time.Time { return after.Add(time.Hour).Truncate(time.Hour) },
				DeleteMeans:  Text{ZH: "企业微信不能恢复。", EN: "WeCom cannot restore it."},
				DisableMeans: Text{ZH: "可以再启用。", EN: "It can be enabled again."},
			},
			{Name: "secret-flow", From: "board", To: "ldap"},
		},
	}
}

// message makes what a person says in a room.
func (w *world) message(who, room, text string) Message {
	w.said++
	m := Message{ID: fmt.Sprintf("om_%d", w.said), Platform: run.Feishu, Text: text, Addressed: true, At: w.clock}
	prefix := "ou_"
	for _, r := range w.b.o.Rooms {
		if r.Name == room {
			m.Platform, m.Chat = r.Platform, r.Chat
		}
	}
	if m.Platform == run.DingTalk {
		prefix = "staff_"
	}
	switch {
	case room == "direct":
		m.Direct, m.Chat = true, "p2p"
	case m.Chat == "":
		m.Chat = "oc_" + room
	}
	m.Sender = []string{prefix + strings.ToLower(strings.ReplaceAll(who, " ", ""))}
	return m
}

// say lets a person say something and gives the answer's log.
func (w *world) say(who, room, text string) []sent {
	w.t.Helper()
	return w.hear(fmt.Sprintf("%s@%s> %s", who, room, text), w.message(who, room, text))
}

// press lets a person press a button of a card, with what is filled in.
func (w *world) press(who, room string, b Button, form map[string]string) []sent {
	w.t.Helper()
	m := w.message(who, room, "")
	m.Press = &Press{Command: b.Command, Digest: b.Digest, Form: form, Card: "om_card"}
	return w.hear(fmt.Sprintf("%s@%s presses [%s] %v", who, room, b.Label, form), m)
}

func (w *world) hear(line string, m Message) []sent {
	w.t.Helper()
	fmt.Fprintln(&w.log, line)
	if err := w.b.Receive(w.t.Context(), m); err != nil {
		w.t.Fatal(err)
	}
	before := w.answered()
	if _, err := w.in.step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if n := w.answered() - before; n != 1 {
		w.t.Errorf("%q got %d first answers", line, n)
	}
	return w.settle()
}

func (w *world) answered() int {
	n := 0
	for _, l := range w.mail.in {
		n += w.answers(l.ID)
	}
	return n
}

// settle lets the bot read the journal and send everything.
func (w *world) settle() []sent {
	w.t.Helper()
	var all []sent
	for range 100 {
		more, err := w.b.readJournal(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		sending, err := w.b.sendDue(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, w.taken()...)
		if !more && !sending {
			break
		}
	}
	return all
}

// taken logs what the platforms took.
func (w *world) taken() []sent {
	var all []sent
	for _, p := range []*platform{w.feishu, w.dingtalk, &w.hook.platform} {
		all = append(all, p.take()...)
	}
	// Lanes go side by side; the log is in the order of writing.
	slices.SortStableFunc(all, func(x, y sent) int { return cmp.Compare(w.place(x.idem), w.place(y.idem)) })
	for _, s := range all {
		w.log.WriteString(s.text())
	}
	return all
}

func (w *world) place(letter string) int {
	return slices.IndexFunc(w.mail.out, func(l run.Letter) bool { return l.ID == letter })
}

// text draws a sending as a reader of a golden file sees it.
func (s sent) text() string {
	head := "  bot→" + s.by + "/" + s.o.Chat
	if s.o.ReplyTo != "" {
		head += " ↩" + s.o.ReplyTo
	}
	if s.o.Live != "" {
		head += fmt.Sprintf(" live v%d", s.o.Version)
		if s.place != "" {
			head += " edits " + s.place
		}
	}
	for _, id := range s.o.Mention {
		head += " @" + id
	}
	return head + "\n" + cardText(s.o.Card)
}

func cardText(c Card) string {
	var b strings.Builder
	kind := string(c.Tone)
	if c.Plain {
		kind += " plain"
	}
	fmt.Fprintf(&b, "    [%s] %s\n", kind, c.Title)
	for _, s := range c.Sections {
		if s.Title != "" {
			folded := ""
			if s.Folded {
				folded = " (folded)"
			}
			if len(s.Short) > 0 {
				folded = " (folded, or one line: " + spansOf(s.Short) + ")"
			}
			fmt.Fprintf(&b, "    ## %s%s\n", s.Title, folded)
		}
		mark := "      "
		if s.Bullet {
			mark = "    - "
		}
		for _, l := range s.Lines {
			b.WriteString(mark)
			for _, p := range l {
				switch {
				case p.Bold:
					b.WriteString("*" + p.Text + "*")
				case p.Code:
					b.WriteString("`" + p.Text + "`")
				default:
					b.WriteString(p.Text)
				}
			}
			b.WriteString("\n")
		}
	}
	for _, x := range c.Buttons {
		fmt.Fprintf(&b, "    <%s> %s", x.Label, x.Command)
		for _, in := range x.Inputs {
			fmt.Fprintf(&b, " {%s: %s}", in.Name, in.Label)
		}
		if x.Confirm != "" {
			fmt.Fprintf(&b, " (%s)", x.Confirm)
		}
		b.WriteString("\n")
	}
	if c.Foot != "" {
		fmt.Fprintf(&b, "    -- %s\n", c.Foot)
	}
	return b.String()
}

// aPlan is a plan with something of everything.
func aPlan() *plan.Plan {
	user := func(id string) directory.Key { return directory.Key{Kind: directory.User, ID: directory.ID(id)} }
	p := &plan.Plan{
		Flow: "hr-to-wecom", Managed: 120, Recent: 1,
		Source: plan.Side{System: "hr", Tenant: "roster.xlsx", Users: 118, Departments: 9, Health: directory.Health{
			Departments: 9, Pages: 4, Retries: 1, Problems: []directory.Problem{{Place: "roster.csv row 12", Say: "the date is not a date / 日期不对"}},
		}},
		Target: plan.Side{System: "wecom", Tenant: "ww1234", Users: 121, Departments: 9},
		Notes: []plan.Note{
			{Kind: plan.LeftActive, Name: "Gu Yan", Say: "the rule held it / 规则保留", Place: "hired-only.js:7"},
			{Kind: plan.Conflict, Name: "He Li", Say: "two accounts have this number / 两个账号有同一工号"},
			{Kind: plan.RuleFailed, Name: "Xu Bo", Say: "mail is undefined / mail 未定义", Place: "hired-only.js:12"},
			{Kind: plan.OutOfScope, Name: "Ma Ke", Say: "out of scope / 超出范围"},
		},
		Risk: plan.Assessment{Tier: 1, Votes: 1, Reasons: []plan.Finding{{Code: plan.FindDelete, Tier: 1, Have: 3}}},
	}
	add := func(c plan.Change) {
		c.Seq = len(p.Changes) + 1
		p.Changes = append(p.Changes, c)
	}
	add(plan.Change{Op: plan.Create, Key: user("0201"), Source: user("201"), Name: "Sun Qi", Where: "/HQ/R&D", Tail: "0201", After: directory.Attributes{
		"name": directory.TextOf("Sun Qi"), "mobile": directory.TextOf("13912345678"), "email": directory.TextOf("sun.qi@example.com"),
	}})
	add(plan.Change{Op: plan.Update, Key: user("0202"), Source: user("202"), Name: "Qian Er", Tail: "0202", Before: directory.Attributes{
		"mobile": directory.TextOf("+86 138 0000 1111"), "title": directory.TextOf("clerk"),
	}, After: directory.Attributes{"mobile": directory.TextOf("+86 138 0000 2222"), "title": directory.TextOf("")}})
	for i, name := range []string{"Wang Lei", "Zhao Yi", "Zheng Ba"} {
		add(plan.Change{
			Op: plan.Delete, Key: user(fmt.Sprintf("030%d", i)), Source: user(fmt.Sprintf("30%d", i)), Name: name, Where: "/East/Sales", Tail: fmt.Sprintf("041%d", i),
			Reason: "left on 2026-03-01 / 2026-03-01 离职", Cause: plan.Cause{Kind: plan.CauseGone}, Needs: []int{2},
			Before: directory.Attributes{"name": directory.TextOf(name), "employee_no": directory.TextOf("00120412"), "hidden": directory.Hidden("contact:phone")},
		})
	}
	for i, name := range []string{"Feng Jiu", "Chu Shi"} {
		add(plan.Change{
			Op: plan.Disable, Key: user(fmt.Sprintf("040%d", i)), Name: name, Tail: fmt.Sprintf("050%d", i), Reason: "status left / 状态为离职",
			Cause: plan.Cause{Kind: plan.CauseStatus, Attribute: "state", Values: []string{"left"}},
		})
	}
	return p
}
