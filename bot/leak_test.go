package bot

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// T07, T08: by DingTalk's HTTP callback the address for answers is as little
// proven as the words. What is said in the room later never goes there.
func TestT08_AnUnprovenSessionIsNotKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := Session{URL: "https://oapi.dingtalk.com/robot/sendBySession?session=x", Expires: w.clock.Add(time.Hour)}
	for _, weak := range []bool{true, false} {
		m := w.message("Li Min", "team", "status")
		m.Weak, m.Session = weak, session
		if err := w.b.Receive(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := w.b.sessions.live(run.DingTalk, "cidTeam", Session{}, w.clock); (got == Session{}) != weak {
			t.Errorf("weak %v: later words go to %+v", weak, got)
		}
	}
}

// T07: alone with the bot the answer is not masked. Without proof of who speaks,
// it goes to the account and not to the address that came along.
func TestT07_APrivateAnswerNeedsNoUnprovenSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := w.message("Li Min", "direct", "status")
	m.Platform, m.Chat, m.Weak, m.Sender = run.DingTalk, "direct:staff_limin", true, []string{"staff_limin"}
	m.Session = Session{URL: "https://oapi.dingtalk.com/robot/sendBySession?session=x", Expires: w.clock.Add(time.Hour)}
	got := w.hear("weak and alone", m)
	if len(got) != 1 || got[0].o.Session != (Session{}) {
		t.Errorf("%+v", got)
	}
}

// A26: a look that anybody may have forged is nobody's look.
func TestA26_AnUnprovenLookIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.dingtalk.can.Direct, w.dingtalk.can.Files = true, true
	code := w.awaits(largePlan(5))
	for _, text := range []string{"show " + string(code), "show " + string(code) + " #3", "show " + string(code) + " --file"} {
		m := w.message("Zhou Kai", "team", text)
		m.Weak = true
		w.hear(text, m)
		if seen := w.service.set.seen[code]; len(seen) != 0 {
			t.Errorf("%q counts: %v", text, seen)
		}
	}
}

// A letter to one person that is lost is told of, but not quoted: its title names
// whom it is about. No room hears it, whether it was to go to a person or to the
// person's chat with the bot.
func TestALostPrivateLetterIsNotQuoted(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Outgoing{
		"to a person": {Platform: run.Feishu, To: "ou_limin", Card: Card{Title: "Who is Wang Lei"}},
		"to a chat":   {Platform: run.Feishu, Chat: "oc_p2p_limin", Card: Card{Title: "Who is Wang Lei"}},
	} {
		w := newWorld(t)
		w.b.o.AdminRoom = "board"
		w.refuses(o.Chat, errExpelled)
		w.post("x", o)
		got := texts(w.drain())
		if !strings.Contains(got, "1 message was not delivered") || strings.Contains(got, "Wang Lei") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// G10: what ends a pause of everything names no flow that the room does not see.
func TestG10_ResumeAllNamesNoHiddenFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.set.pauses = []run.Pause{{Flow: "*"}, {Flow: "secret-flow", Why: "takeover"}, {Flow: "hr-to-wecom"}}
	got := w.say("Boss", "ops", "恢复 全部")
	here := slices.DeleteFunc(got, func(s sent) bool { return s.o.Chat != "oc_ops" })
	if out := texts(here); strings.Contains(out, "secret-flow") || strings.Contains(out, "takeover") || !strings.Contains(out, "恢复 hr-to-wecom") || !strings.Contains(out, "另有 1 个") {
		t.Errorf("%s", out)
	}
	w.service.set.pauses = []run.Pause{{Flow: "*"}, {Flow: "secret-flow"}}
	if out := texts(w.say("Boss", "board", "resume all")); !strings.Contains(out, "resume secret-flow") {
		t.Errorf("where it is seen: %s", out)
	}
}

// U24: what was kept back after a digest is not lost when the process starts
// anew: the digest of that time is told already.
func TestU24_ARestartLosesNothingKeptBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.Digests = []DigestPlan{{Rooms: []string{"ops"}, Hour: 10, Zone: shanghai}}
	w.set(setHeld, "ops", `["first"]`)
	if got := texts(w.posts()); !strings.Contains(got, "first") {
		t.Errorf("%s", got)
	}
	w.set(setHeld, "ops", `["second"]`)
	if got := w.posts(); len(got) != 0 { // a new timetable, as after a start
		t.Errorf("a second digest: %s", texts(got))
	}
	w.clock = morning.Add(day)
	if got := texts(w.posts()); !strings.Contains(got, "second") {
		t.Errorf("what came after the digest is lost: %s", got)
	}
}

// A14: a name that somebody gave himself is no option, nor the end of a
// quotation, in whatever words it stands.
func TestA14_ANameInsideAQuotation(t *testing.T) {
	t.Parallel()
	name := `x --until 1分钟`
	for _, text := range []string{
		`暂停 hr "因为 @` + name + `"`, `暂停 hr “因为 @` + name + `”`, `暂停 hr '因为 @` + name + `'`, `暂停 hr ＂因为 @` + name + `＂`, `暂停 hr 因为 @` + name,
		`暂停 hr "因为 @` + name + ` 说的"`, `暂停 hr it's "因为 @` + name + `"`, `暂停 hr "it's @` + name + `"`, `暂停 hr ” "'@` + name,
	} {
		got, err := command(Message{Text: text, Mentions: []Mention{{ID: "z", Name: name}}})
		if err != nil || got.Flow != "hr" || got.Until != "" || !strings.Contains(got.Reason, "@x --until 1分钟") {
			t.Errorf("%q is read as %+v, %v", text, got, err)
		}
	}
}

// A14: who is called like an operation or a department is a person all the same.
func TestA14_AMentionInAPartIsAPerson(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"删除", "研发部", "#1-99"} {
		got, err := command(Message{Text: "批准 7K3MQ2 仅=@" + name + " 删除=1", Mentions: []Mention{{ID: "z", Name: name}}})
		if err != nil || got.Only != "@"+name {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("%q is read back as %+v, %v", got.String(), again, err)
		}
	}
}

// DingTalk gives ids without names. An @ that was typed by hand beside the
// mention of somebody else names two persons: nobody is guessed.
func TestANameThatContradictsTheMention(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := Message{Platform: run.DingTalk, Mentions: []Mention{{ID: "staff_chenyue"}}}
	if p, err := w.b.personOf(m, "@Zhou Kai"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := w.b.personOf(m, "@Chen Yue"); err != nil || p.Name != "Chen Yue" {
		t.Errorf("%+v, %v", p, err)
	}
	got := w.message("Zhou Kai", "team", "delegate @Boss --until=fri")
	got.Mentions = m.Mentions
	w.hear("delegate", got)
	if len(w.service.set.delegations) != 0 {
		t.Errorf("lent: %+v", w.service.set.delegations)
	}
}

// A36: a narrow limit of commands is none of the brake, and who brakes too often
// is not promised that it works.
func TestA36_ANarrowLimitLeavesTheBrake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.limited()
	w.b.o.Flood.Person = 1
	for i := range 10 {
		if got := texts(w.sayNow("Li Min", "ops", "暂停 hr-to-wecom")); strings.Contains(got, "太快了") {
			t.Fatalf("brake %d: %s", i, got)
		}
	}
	if got := texts(w.sayNow("Li Min", "ops", "暂停 hr-to-wecom")); !strings.Contains(got, "太快了") || !strings.Contains(got, "10 条") || strings.Contains(got, "仍然可用") {
		t.Errorf("%s", got)
	}
}

// C6: a room that the configuration binds is no private conversation, whatever a
// card's button carries along.
func TestC6_ABoundRoomIsNotPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.awaits(aPlan())
	m := w.message("Zhou Kai", "ops", "详情 "+string(code)+" #1")
	m.Direct = true
	if got := texts(w.hear("a private card's button in a room", m)); strings.Contains(got, "13912345678") || !strings.Contains(got, "Sun Qi") {
		t.Errorf("%s", got)
	}
}

// Who was told that the answer comes to him alone hears where he asked when it
// cannot come; what it said is not repeated there.
func TestAPrivateAnswerThatCannotComeIsSaidSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.feishu.can.Direct = true
	w.refuses("", errExpelled)
	w.service.set.profiles = []run.Profile{{Flow: "hr-to-wecom", Source: run.Holding{System: "hr", Object: directory.Object{Key: directory.Key{Kind: directory.User, ID: "0300"}}}}}
	got := w.say("Wu Di", "ops", "查人 Wang Lei")
	here := texts(slices.DeleteFunc(got, func(s sent) bool { return s.o.Chat != "oc_ops" || s.o.To != "" }))
	if !strings.Contains(here, "已私信给你") || !strings.Contains(here, "私信没能送到你") || !strings.Contains(here, "@ou_wudi") || strings.Contains(here, "0300") || strings.Contains(here, "Wang Lei") {
		t.Errorf("%s", here)
	}
	for range 3 { // once
		w.clock = w.clock.Add(time.Hour)
		if got := texts(w.settle()); strings.Contains(got, "私信没能送到你") {
			t.Errorf("again: %s", got)
		}
	}
}

// Who sees a part of the flows looks deeply into that part: reading every system
// costs quota, and robots of other rooms would speak.
func TestADeepLookAtEverythingNeedsAllOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := &doctor{}
	w.b.o.Doctor = d
	w.b.o.People[0].Roles[run.Operator] = []string{"*"}
	for _, c := range []struct {
		room, text string
		looks      bool
	}{{"ops", "体检 --深", false}, {"ops", "体检", true}, {"ops", "体检 hr-to-wecom --深", true}, {"board", "doctor --deep", true}} {
		before := len(d.of)
		got := texts(w.say("Li Min", c.room, c.text))
		if (len(d.of) > before) != c.looks || strings.Contains(got, "secret-flow") || !strings.Contains(got, "--深") && c.room == "ops" && !strings.HasSuffix(c.text, "hr-to-wecom --深") {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// A14: wherever a name stands, it never becomes the value of an option.
func FuzzA14_ANameIsNoOption(f *testing.F) {
	for _, seed := range [][2]string{{``, ``}, {`"因为 `, `"`}, {`” "'`, ``}, {`'`, `'`}, {`因为`, `' "`}, {"“\u200b", "＂"}, {`--until="`, `"`}} {
		f.Add(seed[0], seed[1])
	}
	name := `x --until 2027-07-07`
	f.Fuzz(func(t *testing.T, before, after string) {
		m := Message{Text: "暂停 hr " + before + "@" + name + after, Mentions: []Mention{{ID: "z", Name: name}}}
		if got, err := command(m); err == nil && strings.HasPrefix(got.Until, "2027-07-07") && !strings.Contains(before+after, "2027") {
			t.Errorf("%q is read as %+v", m.Text, got)
		}
	})
}

// halfway is a service that ends a pause and then cannot say what is left.
type halfway struct{ *service }

func (halfway) Pauses(context.Context) ([]run.Pause, error) {
	return nil, fault.New(fault.Unavailable, "the record is busy / 记录繁忙")
}

// What was resumed is said to be resumed, there and in the other rooms, also when
// the record cannot be read right after.
func TestAResumeIsToldWhateverCanBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.set.pauses = []run.Pause{{Flow: "hr-to-wecom"}}
	w.b.o.Service = halfway{w.service}
	got := w.say("Li Min", "team", "resume hr-to-wecom")
	if out := texts(got); !strings.Contains(out, "Resumed: hr-to-wecom") || !strings.Contains(out, "已恢复：hr-to-wecom") || !strings.Contains(out, "send “status”") {
		t.Errorf("%s", out)
	}
}
