package bot

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// parted is an engine that tells which part of a plan a vote leaves.
type parted struct {
	*service
	part []int
	got  run.Vote
}

func (s *parted) Decide(ctx context.Context, v run.Vote) (run.Run, error) {
	s.got = v
	r, err := s.service.Decide(ctx, v)
	if err != nil {
		return r, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	votes := s.votes[v.Run]
	votes[len(votes)-1].Part = s.part
	r.HeldBack = r.Counts.Total() - len(s.part)
	s.runs[v.Run] = r
	return r, nil
}

// A vote on a part hands on what was typed, and its answer says what is done and
// what is not.
func TestAVoteOnAPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	engine := &parted{service: w.service, part: []int{3, 4, 6}}
	w.b.o.Service = engine
	for _, c := range []struct {
		room string
		want []string
	}{
		{"ops", []string{"批准了一部分：删除 2 · 停用 1；仅 Sales、#6；保留 #5、Chu Shi", "保留、不执行：#5 删除 Zheng Ba（East/Sales，…0412）；#7 停用 Chu Shi（…0501）"}},
		{"board", []string{"A part was approved: delete 2 · disable 1; only Sales, #6; held back #5, Chu Shi", "Held back, not to be done: #5 delete Zheng Ba"}},
	} {
		w.service.votes[code] = nil
		w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Awaiting })
		m := w.message("Zhou Kai", c.room, "x")
		r, err := w.b.vote(t.Context(), w.b.caller(m, run.Letter{ID: "x", At: w.clock}), Command{
			Verb: Approve, Lang: ZH, Code: code, Typed: run.Restated{Delete: 3, Disable: 2, Total: -1}, Only: "Sales,#6", Hold: "#5, Chu Shi",
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(engine.got.Only, []string{"Sales", "#6"}) || !slices.Equal(engine.got.Hold, []string{"#5", "Chu Shi"}) {
			t.Errorf("the engine hears only %q, hold %q", engine.got.Only, engine.got.Hold)
		}
		for _, want := range c.want {
			if all := cardText(r.card); !strings.Contains(all, want) {
				t.Errorf("%q is missing in\n%s", want, all)
			}
		}
	}
}

// A whole vote says nothing of parts.
func TestAWholeVoteIsNoPart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	if all := texts(w.say("Zhou Kai", "ops", "批准 "+string(code)+" 删除=3 停用=2")); strings.Contains(all, "一部分：") || !strings.Contains(all, "已批准：") {
		t.Errorf("%s", all)
	}
	if len(itemsOf("")) != 0 || len(itemsOf(" , ")) != 0 {
		t.Error("nothing typed is a part")
	}
}

// What a vote still waits for is said in the answer: votes, a confirmation, a
// cooling off.
func TestWhatAVoteStillWaitsFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sc := ofTier(w, 3, 2)
	sc.lang = ZH
	c := w.b.caller(w.message("Zhou Kai", "ops", "x"), run.Letter{ID: "x", At: w.clock})
	for _, step := range []struct {
		want string
		do   func()
	}{
		{"还需要 1 位审批人", func() { sc.votes = append(sc.votes, by("Chen Yue", run.Approve, sc.plan)) }},
		{"还等群外确认", func() { sc.votes = append(sc.votes, by("Zhou Kai", run.Approve, sc.plan)) }},
		{"冷静期到 10:15，之后自动开始执行。要停下请发：取消 7K3MQ2", func() { sc.run.NotBefore = morning.Add(10 * time.Minute) }},
		{"开始执行。要停下请发：取消 7K3MQ2", func() { sc.run.State = run.Applying }},
	} {
		step.do()
		if all := cardText(w.b.approved(c, sc).card); !strings.Contains(all, step.want) {
			t.Errorf("%q is missing in\n%s", step.want, all)
		}
	}
}

// A refused vote changes no card: cards are drawn from the record alone.
func TestA24_ARefusedVoteChangesNoCard(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	version := w.service.runs[code].Version
	for _, c := range []struct{ who, line string }{
		{"Zhou Kai", "批准 %s 删除=2 停用=2"}, {"Zhou Kai", "批准 %s 删除=3"}, {"Li Min", "批准 %s 删除=3 停用=2"}, {"Wu Di", "批准 %s 删除=3 停用=2"}, {"Stranger", "批准 %s 删除=3 停用=2"},
	} {
		for _, s := range w.say(c.who, "ops", strings.ReplaceAll(c.line, "%s", string(code))) {
			if s.o.Live != "" || strings.Contains(s.text(), "已批准：") || strings.Contains(s.text(), "执行中") {
				t.Errorf("%s by %s is answered\n%s", c.line, c.who, s.text())
			}
		}
	}
	if r := w.service.runs[code]; r.Version != version || r.State != run.Awaiting || len(w.service.votes[code]) != 0 {
		t.Errorf("the run is %+v", r)
	}
	sc, err := w.b.scene(t.Context(), w.service.runs[code], w.service.plans[code])
	if err != nil {
		t.Fatal(err)
	}
	sc.lang = ZH
	if all := cardText(w.b.runCard(sc)); !strings.Contains(all, "已批准 0/1 票") || strings.Contains(all, "## 表决") {
		t.Errorf("%s", all)
	}
}

// Refusals say what is wrong, with the numbers, and the way on.
func TestRefusedVotes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := aPlan()
	p.Risk.Tier, p.Risk.Votes = 2, 2
	code := string(w.awaits(p))
	for _, c := range []struct {
		who, line string
		want      []string
	}{
		{"Zhou Kai", " 删除=2 停用=2", []string{"没有批准：" + code, "要删除 3 人", "请先看：详情 " + code + " 删除"}},
		{"Wu Di", " 删除=3 停用=2", []string{"没有批准：" + code, "你没有流程 hr-to-wecom 的“审批人”角色", "可以批准的人：Zhou Kai、Chen Yue", "可授予角色的人：Boss", "ou_wudi", "人员 Wu Di"}},
		{"Li Min", " 删除=3 停用=2", []string{"这个计划是你发起的", "可以批准的人：Zhou Kai、Chen Yue"}},
	} {
		all := texts(w.say(c.who, "ops", "批准 "+code+c.line))
		for _, want := range c.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s: %q is missing in\n%s", c.who, want, all)
			}
		}
	}
	r := w.service.runs[run.Code(code)]
	unseen := fault.New(fault.Denied, "you have not seen 3 of them / 还有 3 个你没有看过")
	c := w.b.caller(w.message("Zhou Kai", "ops", "x"), run.Letter{ID: "x", At: w.clock})
	answer, err := w.b.refused(c, Command{Verb: Approve, Code: r.Code}, subject{run: r}, unseen)
	if all := cardText(answer.card); err != nil || !strings.Contains(all, "还有 3 个你没有看过") || !strings.Contains(all, "详情 "+code+" --文件") || strings.Contains(all, "可以批准的人") {
		t.Errorf("%v\n%s", err, all)
	}
}

// Counts are never restated by a button from tier 2 on, and not at all once the
// votes are there.
func TestApproveButtons(t *testing.T) {
	t.Parallel()
	w := cardWorld(t)
	for _, c := range []struct {
		tier    int
		forms   bool
		votes   int
		command string // "" = no button approves
		inputs  int
	}{
		{1, true, 0, "批准 7K3MQ2", 3},
		{1, false, 0, "批准 7K3MQ2 删除=3 停用=2", 0},
		{2, true, 0, "批准 7K3MQ2", 3},
		{2, false, 0, "", 0},
		{3, true, 1, "批准 7K3MQ2", 3},
		{3, false, 1, "", 0},
		{3, true, 2, "", 0},
	} {
		sc := ofTier(w, c.tier, 2)
		sc.lang, sc.can.Forms = ZH, c.forms
		for _, who := range []string{"Zhou Kai", "Chen Yue"}[:c.votes] {
			sc.votes = append(sc.votes, by(who, run.Approve, sc.plan))
		}
		card := w.b.runCard(sc)
		i := slices.IndexFunc(card.Buttons, func(b Button) bool { return strings.HasPrefix(b.Command, "批准") })
		switch {
		case c.command == "" && i >= 0:
			t.Errorf("%+v: the button %+v", c, card.Buttons[i])
		case c.command == "":
		case i < 0:
			t.Errorf("%+v: no button", c)
		case card.Buttons[i].Command != c.command || len(card.Buttons[i].Inputs) != c.inputs || card.Buttons[i].Digest != sc.run.Plan.String():
			t.Errorf("%+v: the button %+v", c, card.Buttons[i])
		case c.inputs > 0 && (card.Buttons[i].Inputs[2].Required || card.Buttons[i].Inputs[2].Name != "保留" || !card.Buttons[i].Inputs[0].Required):
			t.Errorf("%+v: the inputs %+v", c, card.Buttons[i].Inputs)
		}
		if c.votes == 2 && !slices.ContainsFunc(card.Buttons, func(b Button) bool { return b.Command == "取消 7K3MQ2" }) {
			t.Errorf("%+v: nothing stops it: %+v", c, card.Buttons)
		}
	}
}

// A voter is who the configuration says, by number; what somebody calls himself in
// a chat is nobody's name.
func TestA14_VotersAreNamedByTheConfiguration(t *testing.T) {
	t.Parallel()
	w := cardWorld(t)
	code := w.awaits(aPlan())
	m := w.message("Zhou Kai", "ops", "批准 "+string(code)+" 删除=3 停用=2")
	m.Sender = []string{"ou_impostor"}
	m.Mentions = []Mention{{ID: "ou_impostor", Name: "Zhou Kai"}}
	if all := texts(w.hear("an impostor", m)); !strings.Contains(all, "不属于配置中的任何人") || len(w.service.votes[code]) != 0 {
		t.Errorf("an impostor is answered\n%s", all)
	}
	w.say("Zhou Kai", "ops", "批准 "+string(code)+" 删除=3 停用=2")
	sc, err := w.b.scene(t.Context(), w.service.runs[code], w.service.plans[code])
	if err != nil {
		t.Fatal(err)
	}
	sc.lang = ZH
	if all := cardText(w.b.runCard(sc)); !strings.Contains(all, "批准：Zhou Kai（…0412） 2026-10-08 10:05 · 飞书（输入）") {
		t.Errorf("%s", all)
	}
}

// What the engine cannot say is not guessed on a card, and those who may be meant
// are called all the same.
func TestUnknownVoters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sc := sceneOf(w, run.Awaiting)
	sc.lang = ZH
	if all := cardText(w.b.runCard(sc)); strings.Contains(all, "还可以投票的人") || strings.Contains(all, "没有人可以批准") {
		t.Errorf("%s", all)
	}
	if names := w.b.wanted(sc); !slices.Equal(names, []string{"Zhou Kai", "Chen Yue"}) {
		t.Errorf("called: %v", names)
	}
}

// The plan before says who is newly on the list, and who is not any more; a part
// and an undoing are compared with nothing.
func TestAgainstThePlanBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := aPlan()
	first.Changes = first.Changes[:4]
	w.say("Li Min", "ops", "预演 hr-to-wecom")
	w.service.planned(run.Code(w.code()), first, run.Planned)
	w.clock = w.clock.Add(time.Minute)
	part := aPlan()
	part.Changes = nil
	w.say("Li Min", "ops", "预演 hr-to-wecom")
	w.service.planned(run.Code(w.code()), part, run.Planned)
	w.service.move(run.Code(w.code()), run.EventMoved, func(r *run.Run) { r.Dept = "R&D" })
	w.clock = w.clock.Add(time.Minute)
	now := aPlan()
	now.Changes = slices.Delete(now.Changes, 3, 4)
	code := w.awaits(now)
	sc, err := w.b.scene(t.Context(), w.service.runs[code], w.service.plans[code])
	if err != nil {
		t.Fatal(err)
	}
	sc.lang = ZH
	all := cardText(w.b.runCard(sc))
	if want := "与上次 703020 相比：停用和删除 +3 −1；这次没有了：Zhao Yi"; !strings.Contains(all, want) || strings.Count(all, "上次没有") != 3 {
		t.Errorf("%q is missing in\n%s", want, all)
	}
	r := w.service.runs[code]
	r.Undoes = "703020"
	if sc, err = w.b.scene(t.Context(), r, now); err != nil || sc.previous.code != "" {
		t.Errorf("an undoing is compared with %q, %v", sc.previous.code, err)
	}
}

// A pause is on the card from the first answer on, until it is over.
func TestPausesAreShown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.set.pauses = []run.Pause{{Flow: "other", Why: "no / 不相干"}, {Flow: "hr-to-wecom", Until: morning.Add(time.Hour), Why: "stocktaking / 盘点"}}
	first := texts(w.say("Li Min", "ops", "同步 hr-to-wecom"))
	if !strings.Contains(first, "*已暂停，到 2026-10-08 11:05：盘点*") || !strings.Contains(first, "恢复 hr-to-wecom") || strings.Contains(first, "不相干") {
		t.Errorf("%s", first)
	}
	code := run.Code(w.code())
	w.service.planned(code, aPlan(), run.Awaiting)
	if title := w.settle()[0].o.Card.Title; !strings.Contains(title, "· 已暂停 ·") {
		t.Errorf("the title is %q", title)
	}
	w.clock = w.clock.Add(time.Hour)
	w.service.move(code, run.EventMoved, func(r *run.Run) { r.State = run.Applying })
	if all := texts(w.settle()); strings.Contains(all, "已暂停") {
		t.Errorf("a pause that is over is shown:\n%s", all)
	}
	if all := texts(w.say("Li Min", "ops", "预演 hr-to-wecom")); strings.Contains(all, "已暂停") {
		t.Errorf("a plan changes nothing, paused or not:\n%s", all)
	}
}

// A plan of a part is asked for as such.
func TestNarrowedPlansAreAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	engine := &requested{service: w.service}
	w.b.o.Service = engine
	w.ask("Li Min", "ops", Command{Verb: Plan, Flow: "hr-to-wecom", Dept: "/HQ/R&D", Part: "user"})
	if engine.got.Dept != "/HQ/R&D" || engine.got.Kind != "user" || engine.got.Apply {
		t.Errorf("asked for %+v", engine.got)
	}
}

// requested is an engine that keeps what is asked for.
type requested struct {
	*service
	got run.Request
}

func (s *requested) Start(ctx context.Context, req run.Request) (run.Run, error) {
	s.got = req
	return s.service.Start(ctx, req)
}

// A run that waits with all its votes has lost one: it asks again.
func TestALostVoteIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		tier, votes int
		stepped     bool
		cools       bool
		want        int
	}{
		{2, 0, false, false, 2}, {2, 1, false, false, 1}, {2, 2, false, false, 1}, {3, 2, false, false, 0}, {3, 2, true, false, 1}, {3, 1, true, false, 1}, {3, 2, true, true, 0},
	} {
		sc := ofTier(w, c.tier, 2)
		for _, who := range []string{"Zhou Kai", "Chen Yue"}[:c.votes] {
			sc.votes = append(sc.votes, by(who, run.Approve, sc.plan))
		}
		if c.stepped {
			sc.run.StepUp.Person = "Zhou Kai"
		}
		if c.cools {
			sc.run.NotBefore = morning.Add(time.Minute)
		}
		if got := sc.missing(); got != c.want || sc.open() != (got > 0) {
			t.Errorf("%+v: %d votes are missing", c, got)
		}
	}
}
