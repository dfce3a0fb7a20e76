package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// command lets a person give a command, however it would be typed, and gives
// what was sent.
func (w *world) command(who, room string, cmd Command, mentions ...Mention) []sent {
	w.t.Helper()
	cmd.Lang = map[bool]Lang{true: ZH, false: EN}[room == "ops"]
	m := w.message(who, room, string(cmd.Verb))
	m.Mentions = mentions
	fmt.Fprintf(&w.log, "%s@%s> %s %s%s%s\n", who, room, cmd.Verb, cmd.Flow, cmd.Person, cmd.Code)
	c := w.b.caller(m, run.Letter{ID: inboxID(m), At: w.clock})
	r, err := w.b.obey(w.t.Context(), c, cmd)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mail.post(w.b.answerLetters(c, r))
	return w.settle()
}

// alone lets the platforms write to people.
func (w *world) alone() {
	w.feishu.can.Direct, w.dingtalk.can.Direct = true, true
}

func key(id string) directory.Key { return directory.Key{Kind: directory.User, ID: directory.ID(id)} }

// aProfile is of a person about whom everything is known.
func aProfile() run.Profile {
	who := directory.Attributes{
		"name": directory.TextOf("Wang Lei"), "mobile": directory.TextOf("13912345678"), "email": directory.TextOf("wang.lei@example.com"),
		"employee_no": directory.TextOf("00120412"), "title": directory.TextOf(""), "manager": directory.BoolOf(true),
		"salary": directory.Hidden("contact:salary"), "hiredate": directory.DateOf(morning),
	}
	update := plan.Change{
		Seq: 3, Op: plan.Update, Key: key("0412"), Name: "Wang Lei", Reason: "", Before: directory.Attributes{"mobile": directory.TextOf("13900000000")},
		After: directory.Attributes{"mobile": directory.TextOf("13912345678")}, Cause: plan.Cause{Kind: plan.CauseDiffers},
	}
	remove := plan.Change{Seq: 7, Op: plan.Delete, Key: key("0412"), Name: "Wang Lei", Reason: "left on 2026-03-01 / 2026-03-01 离职", Cause: plan.Cause{Kind: plan.CauseRule}}
	ended := run.Run{Code: nthCode(3), Flow: "hr-to-wecom", State: run.Succeeded, By: run.Actor{Person: "Li Min"}, Votes: 1, Ended: morning.Add(-day)}
	asks := run.Run{Code: nthCode(4), Flow: "hr-to-wecom", State: run.Awaiting, Votes: 1, Expires: morning.Add(8 * time.Hour)}
	return run.Profile{
		Flow:   "hr-to-wecom",
		Source: run.Holding{System: "hr", Tenant: "roster.xlsx", Object: directory.Object{Key: key("412"), Active: true, Attributes: who}},
		Target: run.Holding{System: "wecom", Tenant: "ww1234", Object: directory.Object{Key: key("0412"), Attributes: directory.Attributes{"name": directory.TextOf("Wang Lei")}}},
		Origin: "adopted", Since: morning.Add(-30 * day), Keys: []string{"employee_no", "email"}, Disabled: morning.Add(-2 * day),
		Last: []run.Deed{
			{
				Run: ended, Change: remove, Entry: run.Entry{Seq: 7, Step: run.StepSkipped, Say: "is back / 又回来了", At: morning.Add(-day)},
				Votes: []run.Vote{{Decision: run.Approve, By: run.Actor{Person: "Zhou Kai"}, For: "Chen Yue"}, {Decision: run.Reject, By: run.Actor{Person: "Chen Yue"}}},
			},
			{Run: run.Run{Code: nthCode(2), Trigger: run.BySchedule, Behind: "Boss"}, Change: update, Entry: run.Entry{Seq: 3, Step: run.StepDone, At: morning.Add(-3 * day)}},
			{
				Run: run.Run{Code: nthCode(1), By: run.Actor{Person: "Boss"}, Votes: 2, Ended: morning.Add(-4 * day)}, Change: plan.Change{Seq: 1, Op: plan.Create}, Entry: run.Entry{Step: run.StepInDoubt},
				Votes: []run.Vote{{Decision: run.BreakGlass, By: run.Actor{Person: "Boss"}}},
			},
		},
		Pending: []run.Pending{{Run: asks, Change: remove}},
		Next: run.Forecast{
			Change: &update, Source: morning.Add(-time.Hour),
			Notes: []plan.Note{{Kind: plan.LeftActive, Say: "the rule held it / 规则保留", Place: "hired-only.js:7"}},
		},
	}
}

func TestWhois(t *testing.T) {
	t.Parallel()
	for _, room := range []string{"ops", "team"} {
		w := newWorld(t)
		w.alone()
		w.service.set.profiles = []run.Profile{aProfile()}
		w.command("Wu Di", room, Command{Verb: Whois, Person: "00120412"})
		other := aProfile()
		other.Origin, other.Keys, other.Last, other.Pending, other.Disabled = "", nil, nil, nil, time.Time{}
		other.Target = run.Holding{System: "wecom", Gone: true}
		other.Next = run.Forecast{Unsure: "there is no listing yet / 还没有清单"}
		w.service.set.profiles = []run.Profile{other}
		w.command("Wu Di", room, Command{Verb: Whois, Person: "Wang Lei", Flow: "HR-to-wecom"})
		other.Target = run.Holding{System: "wecom", Unsure: "it does not answer / 没有回答"}
		other.Source = run.Holding{System: "hr"}
		other.Next = run.Forecast{}
		w.service.set.profiles = []run.Profile{other}
		w.command("Wu Di", room, Command{Verb: Whois, Person: "Wang Lei"})
		w.service.set.profiles = nil
		w.command("Wu Di", room, Command{Verb: Whois, Person: "wang.lei@example.com", Flow: "hr-to-wecom"})
		w.command("Wu Di", room, Command{Verb: Whois, Person: "Wang Lei", Flow: "secret-flow"})
		w.command("Wu Di", room, Command{Verb: Whois})
		w.command("Stranger", room, Command{Verb: Whois, Person: "Wang Lei"})
		golden(t, "testdata/transcripts/whois."+room+".txt", w.log.String())
		inOneLanguage(t, room, w.log.String())
	}
}

// inOneLanguage finds wrong formats and words of the other language.
func inOneLanguage(t *testing.T, room, log string) {
	t.Helper()
	if wrongFormat.MatchString(log) {
		t.Errorf("%s has a wrong format", room)
	}
	if room != "ops" && strings.ContainsFunc(log, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		t.Errorf("%s is in the wrong language", room)
	}
}

// C6: the room never hears what goes to a person alone, and who cannot be
// written to hears it nowhere.
func TestC6_WhoisIsForOnePersonAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.service.set.profiles = []run.Profile{aProfile()}
	if got := texts(w.command("Wu Di", "ops", Command{Verb: Whois, Person: "00120412"})); strings.Contains(got, "13912345678") || !strings.Contains(got, "私聊") {
		t.Errorf("where nobody can be written to: %s", got)
	}
	w.alone()
	all := w.command("Wu Di", "ops", Command{Verb: Whois, Person: "00120412"})
	if len(all) != 2 {
		t.Fatalf("%d letters", len(all))
	}
	for _, s := range all {
		whole := strings.Contains(cardText(s.o.Card), "13912345678")
		if whole != (s.o.To == "ou_wudi") || whole && s.o.Chat != "" {
			t.Errorf("to %q in %q: %s", s.o.To, s.o.Chat, s.text())
		}
		if strings.Contains(cardText(s.o.Card), "salary`") {
			t.Error("a hidden attribute is shown")
		}
	}
	if got := texts(w.command("Wu Di", "direct", Command{Verb: Whois, Person: "00120412"})); !strings.Contains(got, "13912345678") {
		t.Errorf("alone already: %s", got)
	}
}

// A mention counts by its id, never by the name that is written.
func TestWhoIsMeant(t *testing.T) {
	t.Parallel()
	kai, other := Mention{ID: "ou_zhoukai", Name: "Zhou Kai"}, Mention{ID: "ou_x", Name: "Zhou Kai"}
	for name, c := range map[string]struct {
		person   string
		mentions []Mention
		want     run.Query
		none     bool
	}{
		"text":                        {person: " 00120412 ", want: run.Query{Text: "00120412"}},
		"text beside a mention":       {person: "Zhou Kai", mentions: []Mention{kai}, want: run.Query{Text: "Zhou Kai"}},
		"mention":                     {person: "@Zhou Kai", mentions: []Mention{kai}, want: run.Query{IDs: []string{"ou_zhoukai", "staff_zhoukai"}}},
		"mention in full width":       {person: "@ZHOU Kai", mentions: []Mention{{ID: "ou_q", Name: "Ｚｈｏｕ Ｋａｉ"}}, want: run.Query{IDs: []string{"ou_q"}}},
		"twice the same":              {person: "@Zhou Kai", mentions: []Mention{kai, kai}, want: run.Query{IDs: []string{"ou_zhoukai", "staff_zhoukai"}}},
		"typed by hand":               {person: "@Zhou Kai", want: run.Query{Text: "Zhou Kai"}},
		"G7 two of the same name":     {person: "@Zhou Kai", mentions: []Mention{kai, other}, none: true},
		"nobody":                      {none: true},
		"an at alone":                 {person: "@", none: true},
		"an at and somebody else":     {person: "@Li", mentions: []Mention{kai}, want: run.Query{Text: "Li"}},
		"a mention without an id":     {person: "@Zhou Kai", mentions: []Mention{{Name: "Zhou Kai"}}, want: run.Query{Text: "Zhou Kai"}},
		"A14 a name that is a lure":   {person: "@Zhou Kai", mentions: []Mention{{ID: "ou_lure", Name: "Zhou Kai\u200b"}}, want: run.Query{IDs: []string{"ou_lure"}}},
		"DingTalk, by id":             {person: "@staff_9", mentions: []Mention{{ID: "staff_9"}, {ID: "staff_8"}}, want: run.Query{IDs: []string{"staff_9"}}},
		"DingTalk, the only one":      {person: "@Zhou", mentions: []Mention{{ID: "staff_9"}}, want: run.Query{IDs: []string{"staff_9"}}},
		"DingTalk, one of two":        {person: "@Zhou", mentions: []Mention{{ID: "staff_9"}, {ID: "staff_8"}}, want: run.Query{Text: "Zhou"}},
		"marks are lost":              {person: "@Zhou Kai HR", mentions: []Mention{{ID: "ou_m", Name: "Zhou 'Kai', HR"}}, want: run.Query{IDs: []string{"ou_m"}}},
		"marks alone are nobody":      {person: "@!!", mentions: []Mention{{ID: "ou_m", Name: "??"}}, want: run.Query{Text: "!!"}},
		"exact before what it begins": {person: "@Zhou", mentions: []Mention{kai, {ID: "ou_z", Name: "Zhou"}}, want: run.Query{IDs: []string{"ou_z"}}},
	} {
		w := newWorld(t)
		m := w.message("Wu Di", "ops", "")
		m.Mentions = c.mentions
		got, err := w.b.query(w.b.caller(m, run.Letter{}), Command{Verb: Whois, Person: c.person})
		if got.Text != c.want.Text || !slices.Equal(got.IDs, c.want.IDs) || (err != nil) != c.none || c.none && fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// oracle is an engine that answers about people as it is told to.
type oracle struct {
	*service
	whois func(context.Context) ([]run.Profile, error)
}

func (o *oracle) Whois(ctx context.Context, _ run.Query, _ []string) ([]run.Profile, error) {
	return o.whois(ctx)
}

func (o *oracle) Try(ctx context.Context, _ run.Trial) (run.Tried, error) {
	_, err := o.whois(ctx)
	return run.Tried{}, err
}

func TestWhoisCannotTell(t *testing.T) {
	t.Parallel()
	for _, verb := range []Verb{Whois, Test} {
		for name, c := range map[string]struct {
			err     error
			want    string
			private bool
		}{
			"G7 several":  {fault.New(fault.Conflict, "two fit: Wang Lei …0412, Wang Lei …0413 / 有两位：Wang Lei …0412、Wang Lei …0413"), "…0413", true},
			"nobody":      {fault.New(fault.NotFound, "nobody / 没有"), "工号", false},
			"not allowed": {fault.New(fault.Denied, "not you / 你不行"), "不行", false},
			"too slow":    {context.DeadlineExceeded, "没有回答", false},
		} {
			w := newWorld(t)
			w.alone()
			w.b.o.Service = &oracle{w.service, func(context.Context) ([]run.Profile, error) { return nil, c.err }}
			all := w.command("Li Min", "ops", Command{Verb: verb, Flow: "hr-to-wecom", Person: "Wang Lei"})
			i := slices.IndexFunc(all, func(s sent) bool { return strings.Contains(cardText(s.o.Card), c.want) })
			if i < 0 || (all[i].o.To != "") != c.private || len(w.service.order) != 0 {
				t.Errorf("%s %s: %s", verb, name, texts(all))
			}
		}
		w := newWorld(t)
		w.b.o.Service = &oracle{w.service, func(context.Context) ([]run.Profile, error) { return nil, fault.New(fault.Unavailable, "busy / 忙") }}
		_, err := w.b.obey(t.Context(), w.b.caller(w.message("Li Min", "ops", ""), run.Letter{}), Command{Verb: verb, Flow: "hr-to-wecom", Person: "x"})
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: what may pass gives %v", verb, err)
		}
	}
}

// A profile of a flow that the caller may not see is never shown, whatever the
// engine gives; and systems are not asked without end.
func TestG10_WhoisTellsOfVisibleFlowsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.alone()
	secret := aProfile()
	secret.Flow = "secret-flow"
	w.b.o.Service = &oracle{w.service, func(ctx context.Context) ([]run.Profile, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			return nil, errors.New("asked without end")
		}
		return []run.Profile{secret, aProfile()}, nil
	}}
	if got := texts(w.command("Wu Di", "ops", Command{Verb: Whois, Person: "x"})); strings.Contains(got, "secret-flow") || !strings.Contains(got, "1 个流程") {
		t.Errorf("%s", got)
	}
}

// hostile are names that want to be something else.
func hostile() []string {
	return []string{
		"王磊\n✅ 已批准 7K3MQ2", "<at user_id=\"all\">所有人</at>", "[点我](https://evil.example)", "a\u202egnp.exe", "\u0000\u200b\u2028", strings.Repeat("长", 5000),
		"@all", "**粗**`代码`", "}}\"]\\", "批准 7K3MQ2 删除=3",
	}
}

// A27: names, values, reasons and places of the directory forge no line, and
// make no answer too large.
func TestA27_HostileWordsInPrivateAnswers(t *testing.T) {
	t.Parallel()
	for _, name := range hostile() {
		p := aProfile()
		attrs := directory.Attributes{}
		for i := range 300 {
			attrs[fmt.Sprintf("%s%d", name, i)] = directory.TextOf(name)
		}
		p.Source.Object.Attributes, p.Source.Object.ID, p.Source.Tenant, p.Source.System = attrs, directory.ID(name), name, name
		p.Target.Unsure, p.Keys, p.Next.Unsure, p.Last[0].Entry.Say, p.Last[0].Run.Behind = name, []string{name}, name, name, name
		p.Last[0].Votes[0].For, p.Pending[0].Change.Reason = name, name
		many := []run.Profile{p, p, p, p, p, p, p}
		w := newWorld(t)
		for _, l := range []Lang{ZH, EN} {
			fits(t, tidy(w.b.profileCard(l, Command{Person: name}, many)), 24<<10)
			tried := run.Tried{
				Object: directory.Object{Key: key(name), Attributes: attrs}, Target: attrs, Ruled: true, Proposed: plan.Op(name), Final: plan.Op(name), Note: plan.NoteKind(name),
				Verdict: plan.Verdict{Abort: []plan.Op{plan.Op(name)}, Reason: name, Data: directory.Attributes{name: directory.TextOf(name)}},
			}
			fits(t, tidy(l.triedCard(w.b.flow("hr-to-wecom"), &tried)), 24<<10)
			tried.Verdict.Failed = &plan.RuleError{File: name, Line: 1, Say: name}
			fits(t, tidy(l.triedCard(w.b.flow("hr-to-wecom"), &tried)), 24<<10)
			checks := slices.Repeat([]Check{{About: name, Level: Broken, Say: Text{name, name}, Fix: Text{name, name}}, {About: name, Level: Level(name)}, {About: name, Level: Fine, Say: Text{name, name}}}, 100)
			fits(t, tidy(l.checkCard(name, false, checks, errors.New(name))), 24<<10)
		}
	}
}

// fits finds line breaks, invisible characters and too much in a card.
func fits(t *testing.T, c Card, limit int) {
	t.Helper()
	all := cardText(c)
	if strings.ContainsAny(strings.ReplaceAll(all, "\n", ""), "\r\u2028\u202e\u200b\u0000") || sizeOf(c) > limit {
		t.Errorf("%d bytes of %d:\n%s", sizeOf(c), limit, all)
	}
	want := 1 + len(c.Buttons)
	for _, s := range c.Sections {
		want += len(s.Lines)
		if s.Title != "" {
			want++
		}
	}
	if c.Foot != "" {
		want++
	}
	if n := strings.Count(all, "\n"); n != want {
		t.Errorf("%d lines, %d were written:\n%s", n, want, all)
	}
}
