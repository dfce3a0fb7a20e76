package main

import (
	"cmp"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// The tests TestPeerFailure01 to TestPeerFailure15, here and in sync/engine,
// reproduce what other products that keep accounts in step were seen to get wrong.

// peerUsers is a flow of Feishu into WeCom that runs when it is asked.
var peerUsers = strings.Replace(feishuUsers, "    on_change: 3s\n", "", 1)

// peerGuard lets a few deletions of a small company be voted on in the chat.
const peerGuard = "    guard: {max_delete_percent: 50, max_delete_percent_per_department: 100, max_shrink_percent: 50, max_change_percent: 100}\n"

// TestPeerFailure01 hides 16 of 40 people behind answers that are all good: once by
// a narrowed contact range, once because Feishu itself has only the others. Of 1,000
// people in WeCom, go-ldap-admin deleted the 400 whom a narrowed range hid, answered
// success, and never made them again when they came back.
func TestPeerFailure01_AShrunkSourceDeletesNobody(t *testing.T) {
	t.Parallel()
	f := openFirm(t, firmOptions{flow: feishuFlow, rest: peerUsers, arrange: staffed(t, 5, 8)})
	writes, accounts := len(f.wecom.Effects()), len(f.wecom.Users())

	from := len(f.all())
	f.stage.Feishu.SetContactScope(&feishusim.ContactScope{Departments: []string{"d0", "d1", "d2"}})
	r := f.asked(t)
	p := f.planned(t, r)
	if r.Counts.Total() != 0 || p.Source.Users != 24 || p.Source.Health.PartialFor == "" {
		t.Errorf("with a narrow range: %s, %+v, %d people, %q", r.State, r.Counts, p.Source.Users, p.Source.Health.PartialFor)
	}
	f.await(t, from, func(p stage.Post) bool {
		return strings.Contains(p.Text, string(r.Code)) && strings.Contains(p.Text, "通讯录权限范围不是全部成员")
	})

	f.stage.Feishu.SetContactScope(nil)
	var gone []feishusim.User
	for _, u := range f.stage.Feishu.Users() {
		if strings.HasPrefix(u.UserID, "4") || strings.HasPrefix(u.UserID, "5") {
			gone = append(gone, u)
			f.stage.Feishu.RemoveUser(u.UserID)
		}
	}
	from = len(f.all())
	r = f.asked(t)
	if r.State != run.Blocked || r.Counts.Delete != len(gone) || len(gone) != 16 {
		t.Errorf("with 16 of 40 gone: %s, %+v", r.State, r.Counts)
	}
	card := f.await(t, from, func(p stage.Post) bool {
		return p.Room == stage.FeishuRoom && strings.Contains(p.Text, string(r.Code)) && strings.Contains(p.Text, "来源比上次少了 36.4%")
	})
	if !strings.Contains(card, "共停用和删除 16 个账号") {
		t.Errorf("the card: %s", card)
	}
	// No vote helps, however many there are.
	for _, who := range []string{"周凯", "陈悦"} {
		f.ask(t, stage.FeishuRoom, who, "@点名 批准 "+string(r.Code)+" 删除=16", "已被拦下")
	}

	for _, u := range gone {
		if _, err := f.stage.Feishu.AddUser(u); err != nil {
			t.Fatal(err)
		}
	}
	if r = f.asked(t); r.State != run.NothingToDo {
		t.Errorf("with everybody back: %s, %+v", r.State, r.Counts)
	}
	if n := len(f.wecom.Effects()) - writes; n != 0 || len(f.wecom.Users()) != accounts {
		t.Errorf("%d writes, %d accounts of %d", n, len(f.wecom.Users()), accounts)
	}
}

// TestPeerFailure13 changes the source after the plan was shown, and after it was
// approved. Only octoDNS binds what it applies to what was reviewed; the products for
// accounts have no plan at all.
func TestPeerFailure13_APlanThatChangedIsNotApplied(t *testing.T) {
	t.Parallel()
	t.Run("before the vote", func(t *testing.T) {
		t.Parallel()
		f := openFirm(t, firmOptions{flow: feishuFlow, rest: peerUsers + peerGuard, arrange: staffed(t, 3, 4)})
		writes := len(f.wecom.Effects())
		f.stage.Feishu.RemoveUser("1001")
		first := f.asked(t)
		f.stage.Feishu.RemoveUser("2001")
		second := f.asked(t)
		if first.State != run.Awaiting || second.State != run.Awaiting || first.Plan == second.Plan {
			t.Fatalf("%s and %s", first.State, second.State)
		}
		f.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(first.Code)+" 删除=1", "已被取代")
		f.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(second.Code)+" 删除=1", "要删除 2 人")
		if did := f.did(writes); len(did) > 0 || f.run(t, first.Code).State != run.Superseded || f.run(t, second.Code).State != run.Awaiting {
			t.Errorf("%s, %s, it did %v", f.run(t, first.Code).State, f.run(t, second.Code).State, did)
		}
	})
	t.Run("after the vote", func(t *testing.T) {
		t.Parallel()
		f := openFirm(t, firmOptions{
			stage: stage.Options{Timing: unhurried}, flow: feishuFlow, arrange: staffed(t, 3, 4),
			rest: strings.Replace(peerUsers, "{disable_over: 0}", "{disable_over: 0, apply_safe_changes_first: false}", 1) + peerGuard,
		})
		writes := len(f.wecom.Effects())
		reached, open := make(chan struct{}), make(chan struct{})
		f.wecom.Gate(func(string, string) { // before the first write; later ones pass
			select {
			case <-reached:
			default:
				close(reached)
				<-open
			}
		})
		back, _ := f.stage.Feishu.User("3001")
		for _, no := range []string{"1001", "2001", "3001"} {
			f.stage.Feishu.RemoveUser(no)
		}
		r := f.asked(t)
		f.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(r.Code)+" 删除=3", "已批准")
		<-reached
		// The last of the three is back in the source, another's account was changed by hand.
		if _, err := f.stage.Feishu.AddUser(back); err != nil {
			t.Fatal(err)
		}
		if err := f.wecom.ChangeUser("2001", func(u *wecomsim.User) { u.Position = "留任" }); err != nil {
			t.Fatal(err)
		}
		from := len(f.all())
		close(open)
		until(t, "the run ends", func() bool { return f.run(t, r.Code).State.Ended() })
		if r = f.run(t, r.Code); r.State != run.Partial || r.Outcome.Done != 1 || r.Outcome.Skipped != 2 {
			t.Errorf("%s, %+v", r.State, r.Outcome)
		}
		if did := f.did(writes); !slices.Equal(did, []string{"user/delete 1001"}) {
			t.Errorf("it did %v", did)
		}
		f.await(t, from, func(p stage.Post) bool {
			return p.Room == stage.FeishuRoom && strings.Contains(p.Text, "已重新出现在来源中") && strings.Contains(p.Text, "在计划之后有变化")
		})
	})
	t.Run("another configuration", func(t *testing.T) {
		t.Parallel()
		f := openFirm(t, firmOptions{flow: feishuFlow, rest: peerUsers + peerGuard, arrange: staffed(t, 3, 4)})
		writes := len(f.wecom.Effects())
		f.stage.Feishu.RemoveUser("1001")
		r := f.asked(t)
		text, err := os.ReadFile(f.config)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), "position: title}", "position: name}", 1)
		if err := os.WriteFile(f.config, []byte(changed), 0o600); err != nil || changed == string(text) {
			t.Fatal("not changed", err)
		}
		f.restart(t)
		f.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(r.Code)+" 删除=1", string(r.Code))
		until(t, "the run ends", func() bool { return f.run(t, r.Code).State.Ended() })
		if r = f.run(t, r.Code); r.State != run.Failed || !strings.Contains(r.Reason, "重新") {
			t.Errorf("%s: %s", r.State, r.Reason)
		}
		if did := f.did(writes); len(did) > 0 {
			t.Errorf("it did %v", did)
		}
	})
}

// TestPeerFailure14 lets those vote who may not: who asked for the run, a viewer, a
// stranger, the genuine callback of a vote once more, and an approver too late. None
// of the other products asks anybody; one answer of one person, whoever it is, decides
// where Entra or Okta ask at all.
func TestPeerFailure14_ForbiddenApprovalsAreRefusedAndAudited(t *testing.T) {
	t.Parallel()
	f := setFirm(t, firmOptions{stage: stage.Options{FeishuCallback: true}, flow: feishuFlow, rest: peerUsers + peerGuard, arrange: staffed(t, 6, 4)})
	text, err := os.ReadFile(f.config)
	if err != nil {
		t.Fatal(err)
	}
	bent := strings.Replace(string(text), `{operator: ["*"]}`, `{operator: ["*"], approver: ["*"]}`, 1) // 李敏 asks, and is an approver
	if err := os.WriteFile(f.config, []byte(bent), 0o600); err != nil || bent == string(text) {
		t.Fatal("not changed", err)
	}
	f.start(t)
	t.Cleanup(func() { f.end() }) // the last one: a restart puts another in its place
	if _, err := f.stage.Feishu.AddUser(feishusim.User{OpenID: "ou_stranger", UserID: "u_stranger", Name: "路人", Mobile: "13700009999"}); err != nil {
		t.Fatal(err)
	}
	if err := f.stage.Feishu.UpdateChat(f.stage.ChatID(stage.FeishuRoom), func(c *feishusim.Chat) { c.Members = append(c.Members, "ou_stranger") }); err != nil {
		t.Fatal(err)
	}
	f.asked(t)
	writes := len(f.wecom.Effects())
	for i := range 6 { // more than five: two persons have to agree
		f.stage.Feishu.RemoveUser([]string{"1001", "2001", "3001", "4001", "5001", "6001"}[i])
	}
	r := f.asked(t)
	if r.State != run.Awaiting || r.Votes != 2 {
		t.Fatalf("%s, %d votes: %+v", r.State, r.Votes, r.Counts)
	}
	vote := "@点名 批准 " + string(r.Code) + " 删除=6"
	f.ask(t, stage.FeishuRoom, "李敏", vote, "发起")
	f.ask(t, stage.FeishuRoom, "吴迪", vote, "没有")
	f.says(t, "ou_stranger", vote)
	f.settled(t)
	if votes, err := f.app.store.Votes(t.Context(), r.Code); err != nil || len(votes) != 0 {
		t.Fatalf("votes %+v, %v", votes, err)
	}

	// A genuine vote, and the same bytes again, now and after a restart.
	from := len(f.all())
	sent := f.says(t, f.stage.Account(stage.FeishuRoom, "周凯"), vote)
	f.await(t, from, func(p stage.Post) bool { return strings.Contains(p.Text, "还需要 1 位审批人") })
	for again := range 2 {
		if again == 1 {
			f.restart(t)
		}
		until(t, "the replay is taken", func() bool { // 503 while the bot does not know itself yet
			a, err := f.stage.Feishu.Resend(t.Context(), f.stage.Door(stage.FeishuRoom), sent)
			return err == nil && a.Status == http.StatusOK
		})
		f.settled(t)
	}
	if votes, err := f.app.store.Votes(t.Context(), r.Code); err != nil || len(votes) != 1 || f.run(t, r.Code).State != run.Awaiting {
		t.Errorf("votes %+v, %v; the run is %s", votes, err, f.run(t, r.Code).State)
	}

	f.clock.forward(9 * time.Hour)
	f.stageLater(t, 9*time.Hour, vote)
	until(t, "the run expires", func() bool { return f.run(t, r.Code).State == run.Expired })
	if did := f.did(writes); len(did) > 0 {
		t.Errorf("it did %v", did)
	}
	f.refused(t, r.Code, "李敏", "吴迪", "ou_stranger", "陈悦")
}

// says lets an account of Feishu say something by callback, and gives the request.
func (f *firm) says(t *testing.T, openID, text string) feishusim.Sent {
	t.Helper()
	e, err := f.stage.Feishu.MessageEvent(feishusim.Words{Chat: f.stage.ChatID(stage.FeishuRoom), From: openID, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.stage.Feishu.Post(t.Context(), f.stage.Door(stage.FeishuRoom), e, feishusim.Forgery{})
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("answered %d, %v", a.Status, err)
	}
	return a.Sent
}

// stageLater lets 陈悦 say something when the product's clock is ahead: what the
// platform sends then is of that time.
func (f *firm) stageLater(t *testing.T, ahead time.Duration, text string) {
	t.Helper()
	e, err := f.stage.Feishu.MessageEvent(feishusim.Words{
		Chat: f.stage.ChatID(stage.FeishuRoom), From: f.stage.Account(stage.FeishuRoom, "陈悦"), Text: text, At: time.Now().Add(ahead),
	})
	if err != nil {
		t.Fatal(err)
	}
	e.CreatedAt = time.Now().Add(ahead)
	a, err := f.stage.Feishu.Post(t.Context(), f.stage.Door(stage.FeishuRoom), e, feishusim.Forgery{Age: -ahead})
	if err != nil || a.Status != http.StatusOK {
		t.Fatalf("answered %d, %v", a.Status, err)
	}
}

// refused sees that the audit holds one refused vote of each of these people, a
// stranger by their account.
func (f *firm) refused(t *testing.T, code run.Code, people ...string) {
	t.Helper()
	var have []string
	until(t, "the refused votes are audited", func() bool {
		all, err := f.app.store.AuditTrail(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		have = nil
		for _, a := range all {
			if a.Action == "vote.refused" {
				have = append(have, cmp.Or(a.Who.Person, a.Who.Account))
			}
		}
		return len(have) >= len(people)
	})
	if !slices.Equal(slices.Sorted(slices.Values(have)), slices.Sorted(slices.Values(people))) {
		t.Errorf("the audit has refused votes of %q, want %q", have, people)
	}
}
