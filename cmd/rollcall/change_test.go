package main

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// someone is a person by the id of their system.
func someone(id string) directory.Keys {
	return directory.KeysOf(directory.Key{Kind: directory.User, ID: directory.ID(id)})
}

// small sees that a run by event was about one person and updated one account.
func (f *firm) small(t *testing.T, r run.Run, id string) {
	t.Helper()
	if r.State != run.Succeeded || r.Counts.Update != 1 || r.Counts.Total() != 1 || r.Objects != someone(id) {
		t.Errorf("the run by event is %s (%s), about %q: %+v", r.State, r.Reason, r.Objects, r.Counts)
	}
}

// unlisted sees that these calls were not made since.
func unlisted(t *testing.T, before, now map[string]int, calls ...string) {
	t.Helper()
	for _, call := range calls {
		if before[call] == 0 {
			t.Errorf("%s was never called, so that proves nothing: %v", call, before)
		}
		if now[call] != before[call] {
			t.Errorf("%s was called %d times for one change", call, now[call]-before[call])
		}
	}
}

// TestChangeFromFeishu changes a person's title and lets Feishu tell of it, over the
// long connection and over the signed callback, twice as its retries do: one small
// run asks for that one person and updates that one account, and nothing is listed.
func TestChangeFromFeishu(t *testing.T) {
	t.Parallel()
	for name, callback := range map[string]bool{"connection": false, "callback": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openFirm(t, firmOptions{
				stage: stage.Options{FeishuCallback: callback}, flow: feishuFlow, rest: feishuUsers, arrange: staffed(t, 2, 5),
			})
			tell := f.connected
			if callback {
				tell = f.posted
			}
			for n, no := range []string{"1002", "2003"} {
				feishu, wecom, before := f.stage.Feishu.Calls(), f.wecom.Calls(), len(f.wecom.Effects())
				e := f.retitle(t, no, "架构师")
				tell(t, e)
				tell(t, e)
				f.small(t, f.byEvent(t, n+1)[0], no)
				if u, _ := f.wecom.User(no); u.Position != "架构师" || !slices.Equal(f.did(before), []string{"user/update " + no}) {
					t.Errorf("%s is %q, after %v", no, u.Position, f.did(before))
				}
				unlisted(t, feishu, f.stage.Feishu.Calls(), "user.list", "department.children")
				unlisted(t, wecom, f.wecom.Calls(), "user/list_id", "department/simplelist")
			}
			if r := f.asked(t); r.State != run.NothingToDo {
				t.Errorf("a full run afterwards is %s: %+v", r.State, r.Counts)
			}
			f.byEvent(t, 2)
		})
	}
}

// TestChangeFromFeishuForged posts the event of a change with another signature.
func TestChangeFromFeishuForged(t *testing.T) {
	t.Parallel()
	f := openFirm(t, firmOptions{stage: stage.Options{FeishuCallback: true}, flow: feishuFlow, rest: feishuUsers, arrange: staffed(t, 1, 3)})
	before := len(f.wecom.Effects())
	forged := f.retitle(t, "1001", "架构师")
	a, err := f.stage.Feishu.Post(t.Context(), f.stage.Door(stage.FeishuRoom), forged, feishusim.Forgery{BadSignature: true})
	if err != nil || a.Status != http.StatusUnauthorized {
		t.Errorf("answered %d, %v", a.Status, err)
	}
	f.posted(t, f.retitle(t, "1002", "架构师")) // a genuine one, so that the silence is no dead service's
	f.small(t, f.byEvent(t, 1)[0], "1002")
	if did := f.did(before); !slices.Equal(did, []string{"user/update 1002"}) {
		t.Errorf("it did %v", did)
	}
}

// TestChangeFromDingTalk lets DingTalk tell of a change by Stream.
func TestChangeFromDingTalk(t *testing.T) {
	t.Parallel()
	f := openFirm(t, firmOptions{
		flow: "dingtalk-to-wecom", rest: strings.Replace(feishuUsers, "userid: user_id", "userid: userid", 1),
		arrange: func(f *firm) {
			id, err := f.stage.DingTalk.SeedDepartment(dingtalksim.Department{Name: "研发部"})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				no := fmt.Sprintf("10%02d", i)
				_, err := f.stage.DingTalk.SeedUser(dingtalksim.User{
					ID: no, Name: "员工" + no, Mobile: "1380000" + no, Title: "工程师", JobNumber: no, Departments: []int64{id}, Active: true,
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		},
	})
	ding, wecom, before := f.stage.DingTalk.CallCounts(), f.wecom.Calls(), len(f.wecom.Effects())
	if err := f.stage.DingTalk.Console().ChangeUser("1003", func(u *dingtalksim.User) { u.Title = "架构师" }); err != nil {
		t.Fatal(err)
	}
	if n := f.stage.DingTalk.DeliverEvents(t.Context()); n != 1 {
		t.Fatalf("%d events were taken", n)
	}
	all := f.stage.DingTalk.Events()
	if _, err := f.stage.DingTalk.RepeatEvent(t.Context(), all[len(all)-1].ID); err != nil {
		t.Fatal(err)
	}
	f.small(t, f.byEvent(t, 1)[0], "1003")
	if u, _ := f.wecom.User("1003"); u.Position != "架构师" || !slices.Equal(f.did(before), []string{"user/update 1003"}) {
		t.Errorf("1003 is %q, after %v", u.Position, f.did(before))
	}
	lists := slices.DeleteFunc(slices.Sorted(maps.Keys(ding)), func(path string) bool { return !strings.Contains(path, "list") })
	if len(lists) == 0 {
		t.Errorf("nothing was listed before: %v", ding)
	}
	unlisted(t, ding, f.stage.DingTalk.CallCounts(), lists...)
	unlisted(t, wecom, f.wecom.Calls(), "user/list_id", "department/simplelist")
}

// TestChangeFromWeCom lets WeCom tell of a change by an encrypted callback, and
// somebody else of another one: the source of this flow is WeCom, its target Feishu.
func TestChangeFromWeCom(t *testing.T) {
	t.Parallel()
	f := openFirm(t, firmOptions{
		flow: "wecom-to-feishu", events: true,
		rest: `    departments: {map: {name: name, parent: parent}}
    users: {match: [userid], map: {user_id: userid, employee_no: userid, name: name, mobile: mobile, department_ids: department, job_title: position}}
    on_change: 3s
`,
		arrange: func(f *firm) {
			id, err := f.wecom.AddDepartment(wecomsim.Department{Name: "研发部"})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				no := fmt.Sprintf("10%02d", i)
				if err := f.wecom.AddUser(wecomsim.User{ID: no, Name: "员工" + no, Mobile: "1380000" + no, Position: "工程师", Departments: []int64{id}}); err != nil {
					t.Fatal(err)
				}
			}
		},
	})
	feishu, wecom, before := f.stage.Feishu.Calls(), f.wecom.Calls(), len(f.stage.Feishu.EffectsOf("user.patch"))
	for _, no := range []string{"1001", "1003"} {
		if err := f.wecom.ChangeUser(no, func(u *wecomsim.User) { u.Position = "架构师" }); err != nil {
			t.Fatal(err)
		}
	}
	if status := f.wecomPosts(t, "another-token", wecomsim.ContactEvent{Change: "update_user", UserID: "1001"}); status != http.StatusUnauthorized {
		t.Errorf("a forged event is answered %d", status)
	}
	for range 2 {
		if status := f.wecomPosts(t, peerToken, wecomsim.ContactEvent{Change: "update_user", UserID: "1003"}); status != http.StatusOK {
			t.Errorf("an event is answered %d", status)
		}
	}
	f.small(t, f.byEvent(t, 1)[0], "1003")
	changed, _ := f.stage.Feishu.User("1003")
	other, _ := f.stage.Feishu.User("1001")
	if n := len(f.stage.Feishu.EffectsOf("user.patch")) - before; n != 1 || changed.JobTitle != "架构师" || other.JobTitle != "工程师" {
		t.Errorf("%d accounts were written; 1003 is %q, 1001 %q", n, changed.JobTitle, other.JobTitle)
	}
	unlisted(t, feishu, f.stage.Feishu.Calls(), "user.list", "department.children")
	unlisted(t, wecom, f.wecom.Calls(), "user/list", "user/list_id", "department/simplelist")
}

// TestChangeOfTheScope narrows what the app may see of Feishu. The event of it stops
// the flow for safety and the room is told, before anybody could look gone.
func TestChangeOfTheScope(t *testing.T) {
	t.Parallel()
	f := openFirm(t, firmOptions{flow: feishuFlow, rest: feishuUsers, arrange: staffed(t, 2, 5)})
	before := len(f.all())
	f.stage.Feishu.SetContactScope(&feishusim.ContactScope{Departments: []string{"d0"}})
	f.connected(t, f.stage.Feishu.ScopeEvent(feishusim.ContactScope{}, feishusim.ContactScope{Departments: []string{"d1"}}))
	for _, room := range []struct {
		room stage.Room
		want string
	}{{stage.FeishuRoom, "安全停止"}, {stage.DingRoom, "stopped for safety"}} {
		text := f.await(t, before, func(p stage.Post) bool { return p.Room == room.room && strings.Contains(p.Text, room.want) })
		if !strings.Contains(text, f.flow) {
			t.Errorf("%s is told: %s", room.room, text)
		}
	}
	pauses, err := f.app.engine.Pauses(t.Context())
	if err != nil || len(pauses) != 1 || !pauses[0].Auto || pauses[0].Flow != f.flow {
		t.Errorf("pauses %+v, %v", pauses, err)
	}
	effects := len(f.wecom.Effects())
	f.connected(t, f.retitle(t, "1001", "架构师"))
	f.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 "+f.flow, "没有执行")
	f.byEvent(t, 0)
	if did := f.did(effects); len(did) > 0 {
		t.Errorf("it did %v", did)
	}
}

// TestChangeOfWhoIsGone deletes a person in Feishu. The event of it is no proof: a
// full run looks, and a vote is asked for in the room.
func TestChangeOfWhoIsGone(t *testing.T) {
	t.Parallel()
	f := openFirm(t, firmOptions{flow: feishuFlow, rest: feishuUsers + peerGuard, arrange: staffed(t, 2, 5)})
	lists, from, before := f.stage.Feishu.Calls()["user.list"], len(f.all()), len(f.wecom.Effects())
	e, err := f.stage.Feishu.UserEvent("deleted", "1003", nil)
	if err != nil || !f.stage.Feishu.RemoveUser("1003") {
		t.Fatal(err)
	}
	f.connected(t, e)
	r := f.byEvent(t, 1)[0]
	if r.State != run.Awaiting || r.Objects != "" || r.Counts.Delete != 1 || r.Counts.Total() != 1 {
		t.Fatalf("the run by event is %s (%s), about %q: %+v", r.State, r.Reason, r.Objects, r.Counts)
	}
	if n := f.stage.Feishu.Calls()["user.list"]; n == lists {
		t.Error("it did not look for itself")
	}
	f.await(t, from, func(p stage.Post) bool {
		return p.Room == stage.FeishuRoom && strings.Contains(p.Text, "待批准") && strings.Contains(p.Text, string(r.Code))
	})
	if did := f.did(before); len(did) > 0 {
		t.Errorf("before any vote it did %v", did)
	}
	f.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(r.Code)+" 删除=1", "已批准")
	until(t, "the approved run ends", func() bool { return f.run(t, r.Code).State.Ended() })
	if did := f.did(before); !slices.Equal(did, []string{"user/delete 1003"}) || f.run(t, r.Code).State != run.Succeeded {
		t.Errorf("%s, it did %v", f.run(t, r.Code).State, did)
	}
}
