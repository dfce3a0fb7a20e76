package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestA33_OnePolicyBehindEveryDoor decides the same plan by a button, by typed
// text, at the terminal, and when the schedule asked for it. What is left in the
// audit differs by the door alone; a scheduled run, which nobody known asked for,
// needs a second person.
func TestA33_OnePolicyBehindEveryDoor(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	trails := map[string][]string{}
	channels := map[string]run.Channel{}
	t.Run("doors", func(t *testing.T) {
		for door, decide := range map[string]func(*testing.T, *service) run.Code{
			"text": func(t *testing.T, s *service) run.Code { t.Helper(); return s.approvedRun(t) },
			"button": func(t *testing.T, s *service) run.Code {
				t.Helper()
				s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
				if err := s.chat.Press(t.Context(), stage.FeishuRoom, "周凯", "批准", map[string]string{"删除": "3"}); err != nil {
					t.Fatal(err)
				}
				return s.runs(t)[0].Code
			},
			"cli": func(t *testing.T, s *service) run.Code {
				t.Helper()
				code := s.began(t, run.Request{ID: "cli:1", Trigger: run.ByCLI, By: run.Actor{Person: "李敏", Platform: run.CLI, Channel: run.FromCLI}})
				s.atTerminal(t, "approve", "周凯", string(code), "delete=3")
				return code
			},
			"schedule": func(t *testing.T, s *service) run.Code {
				t.Helper()
				code := s.began(t, run.Request{ID: "schedule:1", Trigger: run.BySchedule, By: run.Actor{Platform: run.Clock}})
				s.ask(t, stage.FeishuRoom, "陈悦", "@点名 批准 "+string(code)+" 删除=3", "还需要 1 位审批人")
				s.once(t, 0)
				s.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(code)+" 删除=3", "已批准")
				return code
			},
		} {
			t.Run(door, func(t *testing.T) {
				t.Parallel()
				s := openService(t, stage.Options{})
				code := decide(t, s)
				until(t, "the run succeeds", func() bool { return s.run(t, code).State == run.Succeeded })
				s.once(t, 12)
				trail, channel := s.trail(t, code)
				mu.Lock()
				defer mu.Unlock()
				trails[door], channels[door] = trail, channel
			})
		}
	})
	if t.Failed() {
		return
	}
	for _, door := range []string{"button", "cli"} {
		if !slices.Equal(trails[door], trails["text"]) {
			t.Errorf("%s leaves\n%s\nwhile text leaves\n%s", door, strings.Join(trails[door], "\n"), strings.Join(trails["text"], "\n"))
		}
	}
	if begun := "周凯 run.moved awaiting_approval→applying"; !slices.Contains(trails["text"], begun+" ") && !slices.Contains(trails["text"], begun) {
		t.Errorf("text leaves no %q:\n%s", begun, strings.Join(trails["text"], "\n"))
	}
	scheduled := slices.Clone(trails["text"])
	for i := range scheduled { // nobody asked
		scheduled[i] = strings.ReplaceAll(scheduled[i], "李敏", "")
	}
	second := slices.DeleteFunc(slices.Clone(trails["schedule"]), func(row string) bool { return strings.HasPrefix(row, "陈悦 ") })
	if !slices.Equal(second, scheduled) || len(trails["schedule"]) != len(scheduled)+1 {
		t.Errorf("schedule leaves\n%s\nwhile text leaves\n%s", strings.Join(trails["schedule"], "\n"), strings.Join(scheduled, "\n"))
	}
	want := map[string]run.Channel{"text": run.ByText, "button": run.ByButton, "cli": run.FromCLI, "schedule": run.ByText}
	if !maps.Equal(channels, want) {
		t.Errorf("the doors are %v, want %v", channels, want)
	}
}

// began starts a run without a chat and waits until it awaits its votes.
func (s *service) began(t *testing.T, req run.Request) run.Code {
	t.Helper()
	req.Flow, req.Apply = flowName, true
	r, err := s.app.engine.Start(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the run awaits approval", func() bool { return s.run(t, r.Code).State == run.Awaiting })
	return r.Code
}

// atTerminal does what the demo's "do" does.
func (s *service) atTerminal(t *testing.T, name string, args ...string) {
	t.Helper()
	if err := (&backstage{app: s.app}).do(t.Context(), name, args); err != nil {
		t.Fatal(err)
	}
}

// trail gives what the audit holds of a run as "person action detail", without
// what belongs to the door, and the channel of 周凯's vote.
func (s *service) trail(t *testing.T, code run.Code) (rows []string, vote run.Channel) {
	t.Helper()
	all, err := s.app.store.AuditTrail(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		rows = append(rows, strings.ReplaceAll(fmt.Sprintf("%s %s %s", a.Who.Person, a.Action, a.Detail), string(code), "CODE"))
		if a.Who.Person == "周凯" {
			vote = a.Who.Channel
		}
	}
	return rows, vote
}

// TestT3_VotesOfManyProcesses lets two persons vote fifty times at once, through
// three processes on one record: two votes count, and the run begins once.
func TestT3_VotesOfManyProcesses(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{})
	for _, no := range []string{"0005", "0050", "0105", "0150"} {
		if err := s.stage.Roster.Drop(no); err != nil {
			t.Fatal(err)
		}
	}
	code := s.began(t, run.Request{ID: "cli:1", Trigger: run.ByCLI, By: run.Actor{Person: "李敏", Platform: run.CLI, Channel: run.FromCLI}})
	apps := []*app{s.app, s.beside(t), s.beside(t)}
	var votes sync.WaitGroup
	var mu sync.Mutex
	counted := map[string]int{}
	start := make(chan struct{})
	for i := range 50 {
		person, a := []string{"周凯", "陈悦"}[i%2], apps[i%len(apps)]
		votes.Go(func() {
			<-start
			_, err := a.engine.Decide(t.Context(), run.Vote{
				Run: code, Decision: run.Approve, Typed: run.Restated{Delete: 7, Disable: -1, Total: -1},
				By: run.Actor{Person: person, Platform: run.Feishu, Channel: run.ByText},
			})
			if err == nil {
				mu.Lock()
				counted[person]++
				mu.Unlock()
			}
		})
	}
	close(start)
	votes.Wait()
	until(t, "the run succeeds", func() bool { return s.run(t, code).State == run.Succeeded })
	s.once(t, 16)
	all, err := s.app.store.Votes(t.Context(), code)
	if err != nil || len(all) != 2 || counted["周凯"] != 1 || counted["陈悦"] != 1 {
		t.Errorf("votes %+v, %v; told %v", all, err, counted)
	}
	begins := 0
	trail, _ := s.trail(t, code)
	for _, row := range trail {
		if strings.HasSuffix(row, "→"+string(run.Applying)) {
			begins++
		}
	}
	if begins != 1 {
		t.Errorf("it begins %d times:\n%s", begins, strings.Join(trail, "\n"))
	}
}

// beside opens the record a second time, as another process does.
func (s *service) beside(t *testing.T) *app {
	t.Helper()
	p := &process{getenv: os.LookupEnv, stdout: discard{}, stderr: discard{}, now: s.clock.Now, executable: swift(t)}
	cfg, err := configs.Load(configs.Options{Path: s.config, Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a
}

// TestA23_OldCard presses the button of a card after another plan took its place,
// and the same button bent to name the new run: neither decides the new plan.
func TestA23_OldCard(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	old := g.pressEvent(t)
	if err := g.stage.Roster.Restore("0018"); err != nil {
		t.Fatal(err)
	}
	if err := g.stage.Roster.Drop("0005"); err != nil {
		t.Fatal(err)
	}
	g.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "已被取代 "+g.code)
	replaced := g.code
	second := g.awaitRun(t, "the new run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting })
	g.code, g.begun = string(second.Code), 2
	g.approve = strings.ReplaceAll(g.approve, replaced, g.code)

	from := len(g.all())
	g.post(t, old, feishusim.Forgery{})
	g.await(t, from, func(p stage.Post) bool {
		return strings.Contains(p.Text, replaced+" 已有结论或正在进行：已被取代")
	})
	g.untouched(t)

	bent := g.stage.Feishu.Renew(old)
	bent.Body = deepReplace(old.Body, replaced, g.code)
	from = len(g.all())
	g.post(t, bent, feishusim.Forgery{})
	g.await(t, from, func(p stage.Post) bool {
		return strings.Contains(p.Text, "卡片上的计划与 "+g.code+" 当前的计划不同")
	})
	g.untouched(t)
	g.applied(t)
}

// TestA15_ForwardedCard presses the approve button where its card was never sent:
// in another group, and alone with the bot.
func TestA15_ForwardedCard(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	genuine := g.pressEvent(t)
	for _, chat := range []string{"oc_strange", "oc_p2p_zhoukai"} {
		e := g.stage.Feishu.Renew(genuine)
		e.Body = deepReplace(genuine.Body, g.stage.ChatID(stage.FeishuRoom), chat)
		// The value that the card carries stays as it was drawn.
		e.Body["action"] = genuine.Body["action"]
		before := len(g.log.with(`"reason":"card_moved"`))
		a := g.post(t, e, feishusim.Forgery{})
		if a.Status != http.StatusOK || !strings.Contains(string(a.Body), "不在原来的会话里") {
			t.Errorf("%s: answered %d %s", chat, a.Status, a.Body)
		}
		if lines := g.log.with(`"reason":"card_moved"`)[before:]; len(lines) != 1 {
			t.Errorf("%s: the log has %q", chat, lines)
		}
	}
	g.untouched(t)
	from := len(g.all())
	g.post(t, genuine, feishusim.Forgery{})
	g.await(t, from, func(p stage.Post) bool { return strings.Contains(p.Text, "已批准") })
	until(t, "the genuine press begins it", func() bool { return g.run(t, run.Code(g.code)).State == run.Succeeded })
}

// TestA21_EditedMessage edits a refused vote into a right one, and takes it back:
// what was received is what counts.
func TestA21_EditedMessage(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	wrong := strings.Replace(g.approve, "删除=3", "删除=2", 1)
	e, from := g.event(t, feishusim.Words{Text: wrong}), len(g.all())
	g.post(t, e, feishusim.Forgery{})
	g.await(t, from, func(p stage.Post) bool { return strings.Contains(p.Text, "你写的是删除 2") })
	edited := g.stage.Feishu.NewEvent("im.message.updated_v1", deepReplace(e.Body, "删除=2", "删除=3"))
	recalled, err := g.stage.Feishu.RecallEvent(e.MessageID)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []feishusim.Event{edited, recalled} {
		if a := g.post(t, after, feishusim.Forgery{}); a.Status != http.StatusOK {
			t.Errorf("%s is answered %d, and would come again", after.Type, a.Status)
		}
	}
	if lines := g.log.with("message changed afterwards, nothing is done"); len(lines) != 2 {
		t.Errorf("the log has %q", lines)
	}
	// The same message with the right count, as a new event: claimed already.
	again := g.stage.Feishu.Renew(e)
	again.Body = deepReplace(e.Body, "删除=2", "删除=3")
	g.post(t, again, feishusim.Forgery{})
	g.untouched(t)
	g.applied(t)
}

// deepReplace copies a JSON value with a text replaced in every string.
func deepReplace(v map[string]any, from, to string) map[string]any {
	var walk func(any) any
	walk = func(v any) any {
		switch x := v.(type) {
		case string:
			return strings.ReplaceAll(x, from, to)
		case map[string]any:
			out := make(map[string]any, len(x))
			for k, e := range x {
				out[k] = walk(e)
			}
			return out
		default:
			return v
		}
	}
	return walk(v).(map[string]any)
}

// TestT7_LogOfPrivateAnswers asks for what is about persons, in a room, alone and
// with a table, looks at everything, and then reads the log: nothing of it.
func TestT7_LogOfPrivateAnswers(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{})
	alone := stage.Direct(stage.FeishuRoom, "李敏")
	dinged := stage.Direct(stage.DingRoom, "李敏")
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
	code := string(s.runs(t)[0].Code)
	lines := []string{"查人 13810003737", "查人 赵静", "查人 s0102@xinghe.example", "试跑 hr-to-wecom 0401", "试跑 hr-to-wecom 林晓彤", "详情 " + code + " --文件", "详情 " + code, "体检 --深"}
	for _, line := range lines {
		from := len(s.all())
		s.ask(t, alone, "李敏", line, "")
		if strings.Contains(line, "--文件") {
			s.await(t, from, func(p stage.Post) bool { return p.Room == alone && strings.Contains(p.Text, "[file]") })
		}
	}
	s.ask(t, dinged, "李敏", "whois 0102", "13810003737")
	s.ask(t, stage.DingRoom, "李敏", "@点名 show "+code+" --file", "alone")
	s.ask(t, stage.FeishuRoom, "周凯", "@点名 驳回 "+code+" 赵静还没有走", "已驳回")
	s.settled(t)
	lines = append(lines, "赵静还没有走", "林晓彤", "何俊熙", "苏雨欣", "13904010401", "s0401@xinghe.example", "whois 0102")
	s.discreet(t, lines...)
	for _, room := range []stage.Room{stage.FeishuRoom, stage.DingRoom} {
		for _, p := range s.all() {
			if p.Room == room && p.Who == "点名" && (strings.Contains(p.Text, "1381000") || strings.Contains(p.Text, "xinghe.example")) {
				t.Errorf("%s is told: %s", room, p.Text)
			}
		}
	}
}
