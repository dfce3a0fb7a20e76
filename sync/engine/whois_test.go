package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// who asks for one person in every flow.
func (w *world) who(text string, ids ...string) ([]run.Profile, error) {
	w.t.Helper()
	return w.engine.Whois(w.t.Context(), run.Query{Text: text, IDs: ids}, w.engine.Flows())
}

// the gives the profile of a person in the one flow.
func (w *world) the(text string) run.Profile {
	w.t.Helper()
	all, err := w.who(text)
	if err != nil || len(all) != 1 {
		w.t.Fatalf("%q: %d profiles, %v", text, len(all), err)
	}
	return all[0]
}

// untouched fails the test when fn changes the record or the target.
func (w *world) untouched(fn func()) {
	w.t.Helper()
	state := func() string {
		links, err := w.store.Links(w.t.Context(), "hr-to-corp")
		if err != nil {
			w.t.Fatal(err)
		}
		runs, err := w.store.Runs(w.t.Context(), run.Filter{})
		if err != nil {
			w.t.Fatal(err)
		}
		last, ok, err := w.store.LastSnapshot(w.t.Context(), "hr-to-corp")
		if err != nil || !ok {
			w.t.Fatal(ok, err)
		}
		audits, err := w.store.Audits(w.t.Context(), "run.changed", time.Time{})
		if err != nil {
			w.t.Fatal(err)
		}
		return fmt.Sprintf("%+v %+v %v %s %s %d", links, runs, w.target.done(), last.Digest(), last.TakenAt, len(audits))
	}
	before := state()
	fn()
	if after := state(); before != after {
		w.t.Errorf("before\n%s\nafter\n%s", before, after)
	}
}

func TestWhoisFindsAPersonByWhateverNamesThem(t *testing.T) {
	t.Parallel()
	story(t, 30, func(w *world) {
		w.people[1].EmployeeNo = "0007"
		w.people[1].Accounts = []run.Account{{Platform: run.Feishu, ID: "user_id:zhou"}}
		w.source.put(directory.User, "0031", "人0031", directory.Attributes{"employee_no": directory.TextOf("0031"), "union_id": directory.TextOf("on_Xy31")})
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.put(mapping.Link{Flow: "hr-to-corp", Source: user("0008"), Target: user("zhangsan"), Origin: mapping.Adopted, Since: w.now()})
		for _, text := range []string{"0007", " ００07", "U0007@X.cn", "人0007", "zhangsan", "ZhangSan"} {
			want := "0007"
			if strings.EqualFold(text, "zhangsan") {
				want = "0008"
			}
			if p := w.the(text); string(p.Source.Object.ID) != want {
				w.t.Errorf("%q is %s, want %s", text, p.Source.Object.ID, want)
			}
		}
		for id, want := range map[string]string{"zhou": "0007", "user_id:zhou": "0007", "on_Xy31": "0031", "0009": "0009"} {
			all, err := w.who("", id)
			if err != nil || len(all) != 1 || string(all[0].Source.Object.ID) != want {
				w.t.Errorf("mentioned %s: %+v, %v; want %s", id, all, err, want)
			}
		}
		for _, q := range []run.Query{{Text: "0099"}, {Text: "人000"}, {Text: "@人0007"}, {Text: "人0007", IDs: []string{"ou_nobody"}}, {IDs: []string{"on_xY31"}}} {
			if all, err := w.engine.Whois(w.t.Context(), q, w.engine.Flows()); fault.KindOf(err) != fault.NotFound {
				w.t.Errorf("%+v: %+v, %v", q, all, err)
			}
		}
		if _, err := w.who("  "); fault.KindOf(err) != fault.Invalid {
			w.t.Errorf("nobody: %v", err)
		}
		if _, err := w.engine.Whois(w.t.Context(), run.Query{Text: "0007"}, []string{"other"}); fault.KindOf(err) != fault.NotFound {
			w.t.Errorf("an unknown flow: %v", err)
		}
	})
}

func TestWhoisTellsWhatWasDoneAndWhatComesNext(t *testing.T) {
	t.Parallel()
	story(t, 30, nil, func(w *world) {
		r := w.until(w.start(true).Code)
		w.untouched(func() {
			p := w.the("0007")
			if p.Origin != "created" || !slices.Equal(p.Keys, []string{"employee_no"}) || p.Since.IsZero() || p.Source.System != "hr" || p.Target.System != "corp" || p.Target.Tenant != "corp" {
				w.t.Errorf("profile %+v", p)
			}
			if len(p.Last) != 1 || p.Last[0].Run.Code != r.Code || p.Last[0].Change.Op != plan.Create || p.Last[0].Entry.Step != run.StepDone {
				w.t.Errorf("last %+v", p.Last)
			}
			if p.Next.Change != nil || len(p.Next.Notes) > 0 || p.Next.Unsure != "" || p.Next.Source.IsZero() || len(p.Pending) > 0 {
				w.t.Errorf("next %+v, pending %+v", p.Next, p.Pending)
			}
			for _, h := range []run.Holding{p.Source, p.Target} {
				if !slices.Contains(slices.Collect(maps.Values(h.Names)), "/研发部/平台组") {
					w.t.Errorf("%s: departments are called %v", h.System, h.Names)
				}
			}
		})
		w.source.put(directory.User, "0007", "人0007", directory.Attributes{
			"employee_no": directory.TextOf("0007"), "email": directory.TextOf("new@x.cn"), "departments": directory.RefsToKind(directory.Department, "d1"),
		})
		c := w.the("0007").Next.Change
		if c == nil || c.Op != plan.Update || c.After["email"].Text() != "new@x.cn" || !strings.Contains(c.Reason, "differs: email, department") {
			w.t.Fatalf("next %+v", c)
		}
		w.want(w.until(w.start(true).Code), run.Succeeded)
		p := w.the("0007")
		if p.Next.Change != nil || len(p.Last) != 2 || p.Last[0].Change.Op != plan.Update {
			w.t.Errorf("afterwards %+v, %+v", p.Next, p.Last)
		}
		w.target.drop(directory.User, "0007")
		if p := w.the("0007"); p.Next.Change == nil || p.Next.Change.Op != plan.Create || !p.Target.Gone || !strings.Contains(p.Next.Change.Reason, "is gone from corp") {
			w.t.Errorf("deleted by hand: %+v, %+v", p.Next, p.Target)
		}
	})
}

func TestWhoisOfALeaverFromLeavingToTheEndOfTheGrace(t *testing.T) {
	t.Parallel()
	story(t, 30, rarely, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0007")
		p := w.the("人0007")
		if c := p.Next.Change; !p.Source.Gone || c == nil || c.Op != plan.Disable || c.Cause.Kind != plan.CauseGone || !strings.Contains(c.Reason, "hr") || c.Name != "人0007" {
			w.t.Fatalf("gone since the listing: %+v, %+v", p.Source, p.Next)
		}
		r := w.want(w.until(w.start(true).Code), run.Awaiting)
		p = w.the("人0007")
		if p.Name != "人0007" || p.Where != "/研发部/平台组" || p.Tail != "0007" {
			w.t.Errorf("a leaver is called %q in %q, …%s", p.Name, p.Where, p.Tail)
		}
		if len(p.Pending) != 1 || p.Pending[0].Run.Code != r.Code || p.Pending[0].Change.Op != plan.Disable {
			w.t.Errorf("pending %+v", p.Pending)
		}
		if other := w.the("0008"); len(other.Pending) != 0 {
			w.t.Errorf("pending of another %+v", other.Pending)
		}
		w.agree(r)
		w.want(w.until(r.Code), run.Succeeded)
		p = w.the("u0007@x.cn")
		if len(p.Pending) != 0 || p.Disabled.IsZero() || len(p.Last) != 2 || p.Last[0].Change.Op != plan.Disable || len(p.Last[0].Votes) != 1 || p.Last[0].Votes[0].By.Person != "周凯" {
			w.t.Errorf("disabled: %+v", p)
		}
		if n := p.Next.Notes; p.Next.Change != nil || len(n) != 1 || n[0].Op != plan.Delete || !strings.Contains(n[0].Say, w.now().Add(30*24*time.Hour).Format("2006-01-")) {
			w.t.Errorf("in the grace period: %+v", p.Next)
		}
		<-time.After(31 * 24 * time.Hour)
		if c := w.the("0007").Next.Change; c == nil || c.Op != plan.Delete {
			w.t.Errorf("after it: %+v", c)
		}
		r = w.want(w.until(w.start(true).Code), run.Awaiting)
		w.agree(r)
		w.want(w.until(r.Code), run.Succeeded)
		p = w.the("0007")
		if p.Origin != "" || !p.Source.Gone || !p.Target.Gone || len(p.Last) != 3 || p.Next.Change != nil || len(p.Next.Notes) != 1 {
			w.t.Errorf("deleted: %+v", p)
		}
	})
}

func TestA28_TwoPersonsOfOneNameAreListedAndNeverGuessed(t *testing.T) {
	t.Parallel()
	story(t, 3, func(w *world) {
		for id, dept := range map[string]string{"9001234": "d1", "9005678": "d2"} {
			w.source.put(directory.User, id, "张三", directory.Attributes{
				"employee_no": directory.TextOf(id), "email": directory.TextOf(id + "@secret.cn"), "mobile": directory.TextOf("13800000000"),
				"departments": directory.RefsToKind(directory.Department, directory.ID(dept)),
			})
		}
	}, func(w *world) {
		w.until(w.start(false).Code)
		_, err := w.who("张三")
		say := fault.Say(err)
		if fault.KindOf(err) != fault.Conflict || !strings.Contains(say, "张三 · /研发部 · …1234; 张三 · /研发部/平台组 · …5678") {
			w.t.Errorf("two of one name: %v", err)
		}
		for _, secret := range []string{"9001234", "secret.cn", "138"} {
			if strings.Contains(say, secret) {
				w.t.Errorf("%q tells %q", say, secret)
			}
		}
		if p := w.the("9005678"); p.Source.Object.Name() != "张三" || p.Source.Object.ID != "9005678" {
			w.t.Errorf("by number: %+v", p.Source)
		}
		if _, err := w.engine.Try(w.t.Context(), run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "张三"}, By: run.Actor{Person: "李敏"}}); fault.KindOf(err) != fault.Conflict {
			w.t.Errorf("try: %v", err)
		}
	})
}

func TestWhoisWithHiddenAttributesPlansNothingOnThem(t *testing.T) {
	t.Parallel()
	story(t, 5, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.target.hidden["email"] = "contact:email"
		w.target.hidden["userid"] = "contact:id"
		p := w.the("0003")
		if p.Target.Object.Attributes["email"].Type() != directory.Unknown || len(p.Keys) != 0 || p.Next.Change != nil || p.Next.Unsure != "" {
			w.t.Errorf("hidden in the target: %+v", p)
		}
		w.source.hidden["email"] = "hr:email"
		if p := w.the("0003"); p.Next.Change != nil || p.Source.Object.Attributes["email"].Permission() != "hr:email" {
			w.t.Errorf("hidden in the source: %+v", p)
		}
	})
}

// mute is a system whose Lookup fails, or hangs.
type mute struct {
	*place
	fail func(context.Context) error // nil: answers
}

var _ connector.Target = (*mute)(nil)

func (m *mute) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if m.fail != nil {
		return nil, m.fail(ctx)
	}
	return m.place.Lookup(ctx, kind, ids)
}

func TestWhoisSaysWhichSystemDoesNotAnswer(t *testing.T) {
	t.Parallel()
	refuses := func(context.Context) error { return fault.New(fault.Credential, "wrong secret / 密钥错误") }
	hangs := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for name, c := range map[string]struct {
		source, target func(context.Context) error
		says           string
	}{
		"the source refuses": {source: refuses, says: "wrong secret"},
		"the target refuses": {target: refuses, says: "wrong secret"},
		"the source hangs":   {source: hangs, says: "hr did not answer within 8 s"},
		"the target hangs":   {target: hangs, says: "corp did not answer within 8 s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var source, target *mute
			story(t, 5, func(w *world) {
				source, target = &mute{place: w.source}, &mute{place: w.target}
				w.flow.Source, w.flow.Target = source, target
			}, func(w *world) {
				w.until(w.start(true).Code)
				source.fail, target.fail = c.source, c.target
				began := w.now()
				p := w.the("0003")
				if took := w.now().Sub(began); took > 9*time.Second {
					w.t.Errorf("took %s", took)
				}
				down, up := p.Source, p.Target
				if c.target != nil {
					down, up = p.Target, p.Source
				}
				if !strings.Contains(down.Unsure, c.says) || down.Gone || down.Object.ID != "" || up.Unsure != "" || up.Object.ID != "0003" {
					w.t.Errorf("source %+v, target %+v", p.Source, p.Target)
				}
				if p.Next.Change != nil || !strings.Contains(p.Next.Unsure, c.says) || len(p.Last) != 1 {
					w.t.Errorf("next %+v, last %+v", p.Next, p.Last)
				}
				_, err := w.engine.Try(w.t.Context(), run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0003"}, By: run.Actor{Person: "李敏"}})
				if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.Say(err), c.says) {
					w.t.Errorf("try: %v", err)
				}
			})
		})
	}
}

func TestASourceThatIsNotSureForeseesNothing(t *testing.T) {
	t.Parallel()
	story(t, 5, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.drop(directory.User, "0003")
		w.source.unsure = true
		p := w.the("0003")
		if p.Source.Gone || p.Next.Change != nil || !strings.Contains(p.Next.Unsure, "no permission") {
			w.t.Errorf("no permission is taken for gone: %+v, %+v", p.Source, p.Next)
		}
	})
}

func TestWhoisBeforeTheFirstListing(t *testing.T) {
	t.Parallel()
	story(t, 5, nil, func(w *world) {
		if _, err := w.who("人0003"); fault.KindOf(err) != fault.NotFound || !strings.Contains(fault.Say(err), "start a plan first") {
			w.t.Errorf("no listing: %v", err)
		}
		w.put(mapping.Link{Flow: "hr-to-corp", Source: user("0003"), Target: user("old3"), Origin: mapping.Adopted, Seen: directory.Attributes{"name": directory.TextOf("人0003")}})
		p := w.the("人0003")
		if p.Origin != "adopted" || p.Source.Object.ID != "0003" || !p.Target.Gone || p.Next.Change != nil || !strings.Contains(p.Next.Unsure, "has not been read completely yet") {
			w.t.Errorf("a link alone: %+v", p)
		}
		if p := w.the("0004"); p.Source.Object.ID != "0004" || p.Next.Unsure == "" {
			w.t.Errorf("asked by id: %+v", p)
		}
		_, err := w.engine.Try(w.t.Context(), run.Trial{Flow: "hr-to-corp", Who: run.Query{Text: "0003"}, By: run.Actor{Person: "李敏"}})
		if fault.KindOf(err) != fault.Unavailable {
			w.t.Errorf("try: %v", err)
		}
	})
}

func TestWhoisOfANewcomerWithoutALink(t *testing.T) {
	t.Parallel()
	story(t, 5, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.person(6)
		p := w.the("0006") // not in the listing yet
		if c := p.Next.Change; c == nil || c.Op != plan.Create || c.Key.ID != "0006" || p.Origin != "" || !p.Target.Gone {
			w.t.Errorf("new: %+v, %+v", p.Next, p.Target)
		}
		w.target.put(directory.User, "0006", "人0006", directory.Attributes{"userid": directory.TextOf("0006")})
		p = w.the("0006")
		if c := p.Next.Change; c == nil || c.Op != plan.Update || !strings.Contains(c.Reason, "same employee_no; differs") || !slices.Equal(p.Keys, []string{"employee_no"}) {
			w.t.Errorf("made by hand: %+v", p.Next)
		}
		w.put(mapping.Link{Flow: "hr-to-corp", Source: user("ghost"), Target: user("0006"), Origin: mapping.Adopted})
		w.until(w.start(false).Code)
		if n := w.the("u0006@x.cn").Next; n.Change != nil || len(n.Notes) != 1 || n.Notes[0].Kind != plan.Conflict {
			w.t.Errorf("somebody else's: %+v", n)
		}
	})
}

func TestWithoutADecidingIDOnlyAPlanTells(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		users, err := mapping.Compile(mapping.Spec{Match: []string{"email"}, Rules: []mapping.Rule{
			{To: "userid", From: "employee_no"}, {To: "name", From: "name"}, {To: "email", From: "email"},
		}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.flow.Plan.Users = users
	}, func(w *world) {
		w.until(w.start(true).Code)
		w.person(6)
		p := w.the("0006")
		if p.Next.Change != nil || !strings.Contains(p.Next.Unsure, "same email") || !strings.Contains(p.Target.Unsure, "same email") || p.Target.Gone {
			w.t.Errorf("next %+v, target %+v", p.Next, p.Target)
		}
		if p := w.the("0003"); p.Next.Unsure != "" || p.Target.Unsure != "" {
			w.t.Errorf("a linked one: %+v", p)
		}
	})
}

func TestWhoisOfAPersonInTwoFlows(t *testing.T) {
	t.Parallel()
	story(t, 5, func(w *world) {
		payroll := newPlace("payroll", w.now)
		payroll.put(directory.User, "p-3", "人0003（外）", directory.Attributes{"employee_no": directory.TextOf("0003")})
		payroll.put(directory.User, "p-4", "别人", directory.Attributes{"employee_no": directory.TextOf("0044"), "email": directory.TextOf("u0004@x.cn")})
		payroll.put(directory.User, "p-5", "别人", directory.Attributes{"employee_no": directory.TextOf("0005")})
		payroll.put(directory.User, "p-6", "别人", directory.Attributes{"email": directory.TextOf("u0005@x.cn")})
		payroll.put(directory.User, "p-7", "人0001", nil)
		second := w.flow
		second.Source, second.Target, second.Plan.Name = payroll, newPlace("corp2", w.now), "payroll-to-corp"
		w.more = []engine.Flow{second}
	}, func(w *world) {
		w.until(w.start(true).Code)
		r, err := w.engine.Start(w.t.Context(), run.Request{ID: "second", Flow: "payroll-to-corp", Trigger: run.ByCommand, By: run.Actor{Person: "李敏"}})
		if err != nil {
			w.t.Fatal(err)
		}
		w.until(r.Code)
		for text, want := range map[string]string{"人0003": "0003 p-3", "p-3": "0003 p-3", "0004": "0004 p-4", "别人": "", "0002": "0002", "人0001": ""} {
			all, err := w.who(text)
			var ids []string
			for _, p := range all {
				ids = append(ids, string(p.Source.Object.ID))
			}
			if got := strings.Join(ids, " "); got != want || (want == "") != (fault.KindOf(err) == fault.Conflict) {
				w.t.Errorf("%s: %s, %v; want %s", text, got, err, want)
			}
		}
		all, err := w.who("人0005")
		if err != nil || len(all) != 2 || all[1].Source.Object.ID != "" || all[1].Next.Change != nil || !strings.Contains(all[1].Next.Unsure, "several people in payroll") {
			w.t.Errorf("two kin: %+v, %v", all, err)
		}
		one, err := w.engine.Whois(w.t.Context(), run.Query{Text: "人0005"}, []string{"hr-to-corp"})
		if err != nil || len(one) != 1 || one[0].Flow != "hr-to-corp" {
			w.t.Errorf("in one flow: %+v, %v", one, err)
		}
	})
}

func TestWhoisAsksForDepartmentsThatTheListingLacks(t *testing.T) {
	t.Parallel()
	story(t, 5, nil, func(w *world) {
		w.until(w.start(true).Code)
		w.source.put(directory.Department, "d8", "销售部", nil)
		w.source.put(directory.Department, "d9", "华东组", directory.Attributes{"parent": directory.RefsToKind(directory.Department, "d8")})
		w.source.put(directory.User, "0003", "人0003", directory.Attributes{
			"employee_no": directory.TextOf("0003"), "email": directory.TextOf("u0003@x.cn"), "departments": directory.RefsToKind(directory.Department, "d9"),
		})
		n := w.the("0003").Next
		if n.Change == nil || n.Change.Op != plan.Update || n.Change.Where != "/销售部/华东组" || n.Unsure != "" {
			w.t.Fatalf("moved into a new department: %+v", n)
		}
		if ref := n.Change.After["department"].Refs(); len(ref) != 1 || n.Names[ref[0].String()] != "/销售部/华东组" {
			w.t.Errorf("the new department is called %v", n.Names)
		}
		if len(n.Notes) != 1 || n.Notes[0].Kind != plan.Unclear || !strings.Contains(n.Notes[0].Say, "only a plan of all") {
			w.t.Errorf("notes %+v", n.Notes)
		}
		links, err := w.store.Links(w.t.Context(), "hr-to-corp")
		if err != nil {
			w.t.Fatal(err)
		}
		for _, l := range links {
			if l.Source.ID == "d2" {
				w.target.drop(directory.Department, string(l.Target.ID))
			}
		}
		if n := w.the("0004").Next; n.Change == nil || !n.Change.After["department"].Refs()[0].Pending {
			w.t.Errorf("the department was deleted by hand: %+v", n)
		}
	})
}
