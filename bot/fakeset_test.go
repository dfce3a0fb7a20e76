package bot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// fakeSettings is what the service of the tests keeps beside runs.
type fakeSettings struct {
	pauses      []run.Pause
	timings     map[string]run.Timing
	delegations []run.Delegation
	seen        map[run.Code]map[string][]int
	profiles    []run.Profile
	tried       run.Tried
	asked       []run.Query // of Whois and Try
}

func (s *service) Pause(_ context.Context, p run.Pause) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.may(p.By, run.Operator, p.Flow); err != nil && p.Flow != "*" {
		return err
	}
	p.At = s.now()
	s.set.pauses = append(s.set.pauses, p)
	return s.fails()
}

func (s *service) Resume(_ context.Context, flow string, by run.Actor) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.set.pauses, func(p run.Pause) bool { return p.Flow == flow })
	switch {
	case i < 0:
		return fault.New(fault.NotFound, "%s is not paused / %s 没有暂停", flow, flow)
	case s.set.pauses[i].Auto && s.may(by, run.Approver, flow) != nil:
		return s.may(by, run.Approver, flow)
	}
	s.set.pauses = slices.Delete(s.set.pauses, i, i+1)
	return s.fails()
}

func (s *service) Pauses(context.Context) ([]run.Pause, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.set.pauses), func(p run.Pause) bool { return p.Over(s.now()) }), s.fails()
}

func (s *service) SetTiming(_ context.Context, t run.Timing) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.may(t.By, run.Admin, t.Flow); err != nil {
		return err
	}
	if s.set.timings == nil {
		s.set.timings = map[string]run.Timing{}
	}
	s.set.timings[t.Flow] = t
	return s.fails()
}

func (s *service) Timing(_ context.Context, flow string) (run.Timing, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.set.timings[flow]
	if t.Spec != "" {
		t.Next = s.next()
	}
	return t, s.fails()
}

func (s *service) NextTimes(spec string) (run.Timing, error) {
	if spec == "broken" {
		return run.Timing{}, fault.New(fault.Invalid, "%q is no schedule / “%s”不是定时表达式", spec, spec)
	}
	return run.Timing{Spec: spec, Next: s.next()}, s.fails()
}

// next is every day at half past two.
func (s *service) next() []time.Time {
	now := s.now()
	first := time.Date(now.Year(), now.Month(), now.Day()+1, 2, 30, 0, 0, now.Location())
	return []time.Time{first, first.AddDate(0, 0, 1), first.AddDate(0, 0, 2)}
}

func (s *service) Delegate(_ context.Context, d run.Delegation) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.At = s.now()
	s.set.delegations = append(s.set.delegations, d)
	return s.fails()
}

func (s *service) Delegations(context.Context) ([]run.Delegation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.set.delegations), s.fails()
}

func (s *service) Eligible(_ context.Context, code run.Code) ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.get(code)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range s.people {
		voted := slices.ContainsFunc(s.votes[code], func(v run.Vote) bool { return v.By.Person == p.Name })
		if p.May(run.Approver, r.Flow) && p.Name != r.By.Person && !voted && !touches(s.plans[code], p) {
			names = append(names, p.Name)
		}
	}
	return names, nil
}

func (s *service) See(_ context.Context, code run.Code, person string, seqs []int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set.seen == nil {
		s.set.seen = map[run.Code]map[string][]int{}
	}
	if s.set.seen[code] == nil {
		s.set.seen[code] = map[string][]int{}
	}
	s.set.seen[code][person] = append(s.set.seen[code][person], seqs...)
	return s.fails()
}

func (s *service) Whois(_ context.Context, q run.Query, flows []string) ([]run.Profile, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set.asked = append(s.set.asked, q)
	all := slices.DeleteFunc(slices.Clone(s.set.profiles), func(p run.Profile) bool { return !slices.Contains(flows, p.Flow) })
	if len(all) == 0 {
		return nil, fault.New(fault.NotFound, "nobody is found by %q / 找不到“%s”", q.Text, q.Text)
	}
	return all, s.fails()
}

func (s *service) Try(_ context.Context, t run.Trial) (run.Tried, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set.asked = append(s.set.asked, t.Who)
	return s.set.tried, s.fails()
}

// fakeRecord is what the mailbox of the tests keeps beside letters.
type fakeRecord struct {
	settings map[run.SettingKind]map[string]run.Setting
	tallies  map[string]int
	audits   []run.Audit
}

func (m *mailbox) Set(_ context.Context, s run.Setting) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.record.settings == nil {
		m.record.settings = map[run.SettingKind]map[string]run.Setting{}
	}
	if m.record.settings[s.Kind] == nil {
		m.record.settings[s.Kind] = map[string]run.Setting{}
	}
	if s.Value == nil {
		delete(m.record.settings[s.Kind], s.Name)
		return nil
	}
	s.At = m.now()
	m.record.settings[s.Kind][s.Name] = s
	return nil
}

func (m *mailbox) Settings(_ context.Context, kind run.SettingKind) ([]run.Setting, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []run.Setting
	for _, s := range m.record.settings[kind] {
		all = append(all, s)
	}
	slices.SortFunc(all, func(x, y run.Setting) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

func (m *mailbox) Tally(_ context.Context, name string, n int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.record.tallies == nil {
		m.record.tallies = map[string]int{}
	}
	m.record.tallies[name] += n
	return m.record.tallies[name], nil
}

func (m *mailbox) Audits(_ context.Context, action string, since time.Time) ([]run.Audit, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(m.record.audits), func(a run.Audit) bool { return a.Action != action || a.At.Before(since) }), nil
}
