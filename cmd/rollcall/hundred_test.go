package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/store/storetest/pgtest"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestP05_HundredTriggersAtOnce lets a crowd speak to three replicas at the same moment,
// and with -faults to two as well: on Feishu by HTTP callback, each message at two of the
// replicas, on DingTalk by Stream, from terminals, and by the schedule at all of them.
// Each command begins its run and has one answer, the time of the schedule makes one run,
// the flow has one worker at a time, and what two of them want is done once.
func TestP05_HundredTriggersAtOnce(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	sizes := []int{3}
	if *allFaults {
		sizes = []int{2, 3}
	}
	for _, n := range sizes {
		t.Run(fmt.Sprint(n, "_replicas"), func(t *testing.T) {
			r := openReplicas(t, n, server)
			c := &hundred{replicas: r, at: time.Now().Truncate(time.Minute).Unix()}
			c.speak(t)
			c.apply(t)
			c.checkRuns(t)
			c.checkAnswers(t)
			c.checkWorkers(t)
		})
	}
}

// hundred is a hundred triggers.
type hundred struct {
	*replicas
	at     int64             // of the schedule
	feishu []feishusim.Event // what was said there
	group  sync.WaitGroup
}

const (
	byFeishu   = 40 // messages, of them a plan in each tenth and one sync
	byDing     = 10 // its robot may say 20 things a minute
	byTerminal = 4
	bySchedule = 46 // with the others a hundred

	crowdPatience = 2 * patience
)

// line is what the i-th of the crowd says.
func (c *hundred) line(i int) string {
	switch {
	case i == 3:
		return "同步 " + flowName
	case i%10 == 0:
		return "预演 " + flowName
	default:
		return "状态"
	}
}

// speak lets everybody speak while nobody may work on the flow.
func (c *hundred) speak(t *testing.T) {
	t.Helper()
	st := c.all[0].app.store
	lease, ok, err := st.Acquire(t.Context(), flowName, "somebody-else", 10*time.Minute)
	if err != nil || !ok {
		t.Fatalf("acquire: %v, %v", ok, err)
	}
	var terminals sync.WaitGroup
	for i := range byFeishu {
		e := c.said(t, "李敏", c.line(i))
		c.feishu = append(c.feishu, e)
		for _, at := range []int{i, i + 1} {
			c.group.Go(func() { c.deliver(t, c.all[at%len(c.all)], e) })
		}
	}
	for i := range byDing {
		c.group.Go(func() {
			if err := c.chat.Say(t.Context(), stage.DingRoom, "李敏", "@点名 "+c.line(i)); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range bySchedule {
		e := c.all[i%len(c.all)].app.engine
		c.group.Go(func() { // as startScheduled asks for it
			_, err := e.Start(t.Context(), run.Request{
				ID: fmt.Sprintf("schedule:%s:%d", flowName, c.at), Flow: flowName, Apply: true, Trigger: run.BySchedule, By: run.Actor{Platform: run.Clock},
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for i := range byTerminal {
		terminals.Go(func() { c.terminal(t, c.all[i%len(c.all)]) })
	}
	c.group.Wait()
	until(t, "every message is handled, or its sender was told to send it again", func() bool {
		told := c.told(stage.DingRoom, "没有收下，请重发") // DingTalk never comes again: a record that is too busy says so
		return c.heard(t, `handled > 0`)+told == byFeishu+byDing
	})
	until(t, "every run is there", func() bool {
		return c.terminals(t) >= byTerminal && c.count(t, `SELECT COUNT(*) FROM runs`) == c.wanted(t)
	})
	if err := st.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	terminals.Wait() // they see their plans
}

// heard counts the messages in the record that fit, without those whose sender was told
// that they were not accepted: they are put away.
func (c *hundred) heard(t *testing.T, fit string) int {
	t.Helper()
	query, away := `SELECT COUNT(*) FROM inbox WHERE `+fit, []any{}
	for _, s := range c.all {
		for _, found := range putAway.FindAllStringSubmatch(s.log.String(), -1) {
			away = append(away, found[1])
			query += fmt.Sprintf(` AND id <> $%d`, len(away))
		}
	}
	return c.count(t, query, away...)
}

// putAway is what the log says of one.
var putAway = regexp.MustCompile(`message is put away.*inbox\W+(dingtalk:[^\s"]+)`)

// deliver posts an event, and again while it is not acknowledged. The platform comes
// again after 15 s; a storm of ours would only make the record busier.
func (c *hundred) deliver(t *testing.T, to *service, e feishusim.Event) {
	t.Helper()
	for began := time.Now(); time.Since(began) < crowdPatience; {
		a, err := c.stage.Feishu.Post(t.Context(), "http://"+to.public+feishuPath, e, feishusim.Forgery{})
		if err == nil && a.Status == http.StatusOK {
			return
		}
		pause(t.Context(), time.Second)
	}
	t.Error("a message is never acknowledged")
}

// terminal asks for a plan by the command line of one more process, and again when it is
// told that the record is too busy.
func (c *hundred) terminal(t *testing.T, beside *service) {
	t.Helper()
	for began := time.Now(); ; pause(t.Context(), time.Second) {
		var out bytes.Buffer
		log := &logbook{}
		p := &process{
			args: []string{"plan", flowName, "--person", "李敏", "--config", beside.config}, stdin: strings.NewReader(""), stdout: &out, stderr: log,
			now: time.Now, executable: swift(t), getenv: func(name string) (string, bool) { return "en", name == "ROLLCALL_LANG" },
		}
		exit := p.run(t.Context())
		if exit == 0 && strings.Contains(out.String(), string(run.Planned)) || strings.Contains(out.String(), string(run.NothingToDo)) {
			return
		}
		if exit != 7 || time.Since(began) > crowdPatience {
			t.Errorf("the terminal's plan ends with %d: %s\n%s", exit, out.String(), log)
			return
		}
	}
}

// wanted is how many runs there shall be: one for each command that asks for one, and
// one of the schedule.
func (c *hundred) wanted(t *testing.T) int {
	t.Helper()
	return c.terminals(t) + 1 + c.heard(t, `convert_from(payload, 'UTF8') LIKE '%`+flowName+`%'`)
}

// terminals is how many runs the terminals began.
func (c *hundred) terminals(t *testing.T) int {
	t.Helper()
	return c.count(t, `SELECT COUNT(*) FROM runs WHERE request_id LIKE 'cli:%'`)
}

// told counts the bot's messages in a room that hold one of some texts, drawn those and
// the cards that were drawn anew.
func (c *hundred) told(room stage.Room, some ...string) int {
	return c.posts(func(p stage.Post) bool { return p.Room == room && !p.Edit }, some)
}

func (c *hundred) drawn(room stage.Room, some ...string) int {
	return c.posts(func(p stage.Post) bool { return p.Room == room }, some)
}

// twice tells whether the very same message about something came again.
func (c *hundred) twice(room stage.Room, some ...string) bool {
	seen := map[string]bool{}
	again := false
	c.posts(func(p stage.Post) bool {
		if p.Room == room && !p.Edit && slices.ContainsFunc(some, func(s string) bool { return strings.Contains(p.Text, s) }) {
			again = again || seen[p.Text]
			seen[p.Text] = true
		}
		return false
	}, some)
	return again
}

func (c *hundred) posts(fits func(stage.Post) bool, some []string) int {
	posts, _ := c.chat.From(0)
	n := 0
	for _, p := range posts {
		if p.Who == "点名" && fits(p) && slices.ContainsFunc(some, func(s string) bool { return strings.Contains(p.Text, s) }) {
			n++
		}
	}
	return n
}

// apply approves what waits for votes, until nothing is left.
func (c *hundred) apply(t *testing.T) {
	t.Helper()
	c.applyAll(t)
	c.quiet(t)
}

func (c *hundred) checkRuns(t *testing.T) {
	t.Helper()
	if n, want := c.count(t, `SELECT COUNT(*) FROM runs`), c.wanted(t); n != want {
		t.Errorf("%d runs, want %d", n, want)
	}
	for _, one := range c.all[0].runs(t) {
		twin := one.State == run.Partial && strings.Contains(one.Reason, "the same changes wait for a vote")
		if !twin && !slices.Contains([]run.State{run.Planned, run.NothingToDo, run.Succeeded, run.Superseded}, one.State) {
			t.Errorf("%s of %s ends as %s: %s", one.Code, one.RequestID, one.State, one.Reason)
		}
	}
}

// checkAnswers sees that each command has one answer and each run one end that is told
// where it was asked for; the schedule's is told in the room.
func (c *hundred) checkAnswers(t *testing.T) {
	t.Helper()
	for i, e := range c.feishu {
		if n := c.answers(e); n == 0 || n > 1 && c.line(i) == "状态" {
			t.Errorf("%d answers to %q", n, c.line(i))
		}
	}
	asked := c.heard(t, `id LIKE 'dingtalk:%' AND convert_from(payload, 'UTF8') LIKE '%状态%'`)
	if n := c.told(stage.DingRoom, "Running or waiting: ", "Nothing runs and nothing waits"); n != asked {
		t.Errorf("%d questions on DingTalk have %d answers", asked, n)
	}
	for _, one := range c.all[0].runs(t) {
		code := string(one.Code)
		room, ends := stage.FeishuRoom, []string{"完成 " + code, "无需变更 " + code}
		if one.Trigger == run.ByCommand && one.By.Platform == run.DingTalk {
			room, ends = stage.DingRoom, []string{"Planned " + code, "Nothing to do " + code, "Done " + code, "Partly done " + code}
		}
		// A card that stands is drawn anew where that can be done, and is no message.
		if twice, drawn := c.twice(room, ends...), c.drawn(room, ends...); twice || drawn == 0 && one.Trigger != run.ByCLI {
			t.Errorf("the end of %s, %s of %s, is said twice: %v, shown %d times:%s", code, one.State, one.RequestID, twice, drawn, c.about(code))
		}
	}
	c.checkWorld(t)
}

// about gives what the bot said of a run.
func (c *hundred) about(code string) string {
	posts, _ := c.chat.From(0)
	var b strings.Builder
	for _, p := range posts {
		if p.Who == "点名" && strings.Contains(p.Text, code) {
			fmt.Fprintf(&b, "\n%s, drawn anew: %v: %.120q", p.Room, p.Edit, p.Text)
		}
	}
	return b.String()
}

// checkWorld asks the checker of the invariants. It looks for who asked, and nobody
// asked for what the schedule began.
func (c *hundred) checkWorld(t *testing.T) {
	t.Helper()
	w, err := observeWorld(t.Context(), c.stage, c.chat, c.all[0].app.store)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range c.all {
		w.log += s.log.String()
	}
	// The checker looks for ends in the Feishu room; checkAnswers has looked for those of
	// the schedule and of DingTalk.
	elsewhere := []run.Code{c.scheduled(t).Code}
	for _, one := range c.all[0].runs(t) {
		if one.By.Platform == run.DingTalk {
			elsewhere = append(elsewhere, one.Code)
		}
	}
	for _, b := range w.broken() {
		if !slices.ContainsFunc(elsewhere, func(code run.Code) bool { return strings.HasPrefix(b, "I4 "+string(code)) }) {
			t.Error(b)
		}
	}
}

// scheduled gives the run of the schedule.
func (c *hundred) scheduled(t *testing.T) run.Run {
	t.Helper()
	all := slices.DeleteFunc(c.all[0].runs(t), func(one run.Run) bool { return one.Trigger != run.BySchedule })
	if len(all) != 1 {
		t.Fatalf("the schedule made %d runs", len(all))
	}
	return all[0]
}

// checkWorkers sees that at no time two runs changed the target: I8. A terminal that has
// its answer leaves whatever run it is at to others, so the parts before do overlap.
func (c *hundred) checkWorkers(t *testing.T) {
	t.Helper()
	type span struct {
		from, to time.Time
		code     run.Code
	}
	var spans []span
	for _, one := range c.all[0].runs(t) {
		entries, err := c.all[0].app.store.Entries(t.Context(), one.Code)
		if err != nil {
			t.Fatal(err)
		}
		s := span{code: one.Code}
		for _, e := range entries {
			if e.Sent.IsZero() {
				continue
			}
			if s.from.IsZero() || e.Sent.Before(s.from) {
				s.from = e.Sent
			}
			if e.At.After(s.to) {
				s.to = e.At
			}
		}
		if !s.from.IsZero() {
			spans = append(spans, s)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to)) })
	for i := range spans {
		if i > 0 && spans[i].from.Before(spans[i-1].to) {
			t.Errorf("I8 %s wrote from %v, and %s until %v", spans[i].code, spans[i].from, spans[i-1].code, spans[i-1].to)
		}
	}
	if len(spans) == 0 {
		t.Error("nobody wrote anything")
	}
}
