package engine_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// The tests TestPeerFailure01 to TestPeerFailure15, here and in cmd/rollcall,
// reproduce what other products that keep accounts in step were seen to get wrong.

// TestPeerFailure02 throttles every n-th of the calls that list people or ask for
// one. Casdoor's DingTalk syncer swallowed the error of such a call and went on with
// the stub: 50 of 500 people were disabled, with blank mail and phone.
func TestPeerFailure02_ThrottledDetailsDisableNobody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		wecom bool // it is the source
		slow  func(*firm)
		whole bool // asking again helps
	}{
		"Feishu, every third page":          {false, func(f *firm) { f.toFeishu.slow(3, "/users/find_by_department", true, 429, feishuSlowDown) }, true},
		"Feishu, every page":                {false, func(f *firm) { f.toFeishu.slow(1, "/users/find_by_department", false, 429, feishuSlowDown) }, false},
		"WeCom, every second person":        {true, func(f *firm) { f.toWeCom.slow(2, "/user/get", true, 200, wecomParallel) }, true},
		"WeCom, every person":               {true, func(f *firm) { f.toWeCom.slow(1, "/user/get", false, 200, wecomParallel) }, false},
		"WeCom, every department, no quota": {true, func(f *firm) { f.toWeCom.slow(1, "/user/list", false, 200, wecomQuota) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setup, road := crowded, func(f *firm) *wire { return f.toFeishu }
			leave, change := func(f *firm) { f.feishu.RemoveUser("0007") }, func(f *firm) { f.edit("0008", func(u *feishusim.User) { u.JobTitle = "架构师" }) }
			if c.wecom {
				setup, road = func(f *firm) { reversed(f); crowdedWeCom(f) }, func(f *firm) *wire { return f.toWeCom }
				leave = func(f *firm) { f.wecom.RemoveUser("0007") }
				change = func(f *firm) {
					if err := f.wecom.ChangeUser("0008", func(u *wecomsim.User) { u.Position = "架构师" }); err != nil {
						f.t.Fatal(err)
					}
				}
			}
			companyStory(t, setup, func(f *firm) {
				f.ends(f.sync(), run.Succeeded)
				f.idle()
				before := f.accounts(c.wecom)
				leave(f)
				change(f)
				c.slow(f)
				r := f.until(f.start(true).Code)
				if road(f).refused() == 0 {
					f.t.Fatal("nothing was throttled")
				}
				if c.whole {
					f.ends(r, run.Awaiting)
					if r.Counts.Disable != 1 || r.Counts.Update != 1 {
						f.t.Errorf("asked again, it plans %+v", r.Counts)
					}
					return
				}
				if r.State != run.Failed { // the platform may refuse so much that nothing is known
					p := f.plan(r)
					f.harmless(p)
					if p.Source.Health.PartialFor == "" {
						f.t.Errorf("the source counts as read to the end: %+v", p.Source.Health)
					}
				}
				for no, was := range before {
					if now := f.accounts(c.wecom)[no]; no != "0008" && !reflect.DeepEqual(now, was) {
						f.t.Errorf("%s was %+v and is %+v", no, was, now)
					}
				}
				// Once the platform answers again, the one who left is seen.
				road(f).slow(0, "", false, 0, "")
				<-time.After(2 * time.Hour)
				if r := f.ends(f.until(f.start(true).Code), run.Awaiting); r.Counts.Disable != 1 || r.Counts.Delete != 0 {
					f.t.Errorf("afterwards it plans %+v", r.Counts)
				}
			})
		})
	}
}

// crowded fills Feishu with two full departments and twelve that have one person
// each.
func crowded(f *firm) {
	top := f.division("总部", "")
	for i := range 14 {
		id, people := f.division(fmt.Sprintf("部门%02d", i), top), 1
		if i < 2 {
			people = 12
		}
		for j := range people {
			f.hire(fmt.Sprintf("%04d", i*20+j), id)
		}
	}
}

// crowdedWeCom is crowded for WeCom.
func crowdedWeCom(f *firm) {
	for i := range 14 {
		id, err := f.wecom.AddDepartment(wecomsim.Department{Name: fmt.Sprintf("部门%02d", i)})
		if err != nil {
			f.t.Fatal(err)
		}
		people := 1
		if i < 2 {
			people = 12
		}
		for j := range people {
			f.enlist(fmt.Sprintf("%04d", i*20+j), id)
		}
	}
}

// accounts gives the target's accounts by number.
func (f *firm) accounts(inFeishu bool) map[string]any {
	all := map[string]any{}
	if inFeishu {
		for _, u := range f.feishu.Users() {
			all[u.UserID] = u
		}
		return all
	}
	for _, u := range f.wecom.Users() {
		all[u.ID] = u
	}
	return all
}

// TestPeerFailure03 takes a permission from the app, so that a field vanishes from
// every answer of Feishu. MaxKey ended in a null pointer when status was missing, and
// casdoor took everybody for one and the same person when user_id was. Nothing may be
// written, and the sentence names the permission.
func TestPeerFailure03_AVanishedFieldTouchesNothing(t *testing.T) {
	t.Parallel()
	all := []string{
		"contact:contact.base:readonly", "contact:department.organize:readonly", "contact:department.base:readonly", "contact:user.base:readonly",
		"contact:user.department:readonly", "contact:user.employee:readonly", "contact:user.employee_number:read", "contact:user.email:readonly",
		"contact:user.phone:readonly", "contact:user.employee_id:readonly",
	}
	for name, c := range map[string]struct {
		permission string
		blind      bool // nothing can be told of anybody without it
	}{
		"status":     {"contact:user.employee:readonly", true},
		"user_id":    {"contact:user.employee_id:readonly", true},
		"mobile":     {"contact:user.phone:readonly", false},
		"email":      {"contact:user.email:readonly", false},
		"department": {"contact:user.department:readonly", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			companyStory(t, func(f *firm) { crowded(f); f.feishu.SetScopes(all...) }, func(f *firm) {
				f.ends(f.sync(), run.Succeeded)
				before, users := f.writes(), f.wecom.Users()
				f.feishu.SetScopes(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == c.permission })...)
				r := f.until(f.start(true).Code)
				if c.blind {
					f.ends(r, run.Failed)
					err := f.fc.(connector.Prober).Probe(f.t.Context())
					if !strings.Contains(r.Reason, c.permission) || fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), c.permission) {
						f.t.Errorf("neither names %s: run %q, doctor %v", c.permission, r.Reason, err)
					}
				} else {
					f.ends(r, run.NothingToDo)
					if hidden := f.plan(r).Source.Health.Hidden; !slices.Contains(hidden, c.permission) {
						f.t.Errorf("the plan names %q, not %s", hidden, c.permission)
					}
				}
				// Somebody leaves meanwhile: whatever can be told of that, nobody else is touched.
				f.feishu.RemoveUser("0007")
				if r = f.until(f.start(true).Code); !c.blind {
					f.ends(r, run.Awaiting)
					if r.Counts.Total() != 1 || r.Counts.Disable != 1 {
						f.t.Errorf("with %s hidden it plans %+v", name, r.Counts)
					}
				}
				if n := f.writes(); n != before || !reflect.DeepEqual(f.wecom.Users(), users) {
					f.t.Errorf("%d writes while %s is hidden", n-before, name)
				}
				f.feishu.SetScopes(all...)
				if r = f.until(f.start(true).Code); r.Counts.Total() != 1 || r.Counts.Disable != 1 {
					f.t.Errorf("shown again, it plans %+v", r.Counts)
				}
			})
		})
	}
}

// TestPeerFailure04 runs again and again after somebody was taken away. After
// go-ldap-admin had processed a leaver, every later sync of WeCom ended with error
// 501, so that no later leaver was ever processed.
func TestPeerFailure04_ARunAfterALeaverWritesNothing(t *testing.T) {
	t.Parallel()
	for _, first := range []plan.Op{plan.Disable, plan.Delete} {
		t.Run(string(first), func(t *testing.T) {
			t.Parallel()
			companyStory(t, func(f *firm) {
				crowded(f)
				f.flow.Plan.Leavers.First = first
			}, func(f *firm) {
				f.ends(f.sync(), run.Succeeded)
				for _, no := range []string{"0007", "0023"} {
					before := len(f.wecom.Effects())
					f.feishu.RemoveUser(no)
					f.ends(f.sync(), run.Succeeded)
					if did := f.wrote(before); len(did) != 1 || !strings.HasSuffix(did[0], " "+no) {
						f.t.Errorf("for %s it did %v", no, did)
					}
					f.idle()
					f.idle()
				}
			})
		})
	}
}

// TestPeerFailure05 lets a leaver return. go-ldap-admin answered success, and the
// people stayed deleted for ever; topiam made another account. Here the same account
// is enabled again, with what it had.
func TestPeerFailure05_AReturnerHasTheSameAccount(t *testing.T) {
	t.Parallel()
	t.Run("WeCom", func(t *testing.T) {
		t.Parallel()
		companyStory(t, crowded, func(f *firm) {
			f.ends(f.sync(), run.Succeeded)
			second := f.inWeCom("部门05")
			if err := f.wecom.ChangeUser("0007", func(u *wecomsim.User) { u.Alias, u.Telephone = "老七", "010-7" }); err != nil {
				f.t.Fatal(err)
			}
			d, _ := f.feishu.User("0100") // of 部门05
			f.edit("0007", func(u *feishusim.User) { u.Departments = append(u.Departments, d.Departments...) })
			f.ends(f.sync(), run.Succeeded)
			was, old := f.member("0007"), f.leaver("0007")
			if !slices.Contains(was.Departments, second) || was.Status == wecomsim.StatusDisabled {
				f.t.Fatalf("0007 is %+v", was)
			}
			f.feishu.RemoveUser("0007")
			f.ends(f.sync(), run.Succeeded)
			if f.member("0007").Status != wecomsim.StatusDisabled {
				f.t.Fatalf("0007 has left and is %+v", f.member("0007"))
			}
			<-time.After(48 * time.Hour)
			if _, err := f.feishu.AddUser(old); err != nil {
				f.t.Fatal(err)
			}
			before := len(f.wecom.Effects())
			f.ends(f.sync(), run.Succeeded)
			if did := f.wrote(before); !slices.Equal(did, []string{"user/update 0007"}) || !reflect.DeepEqual(f.member("0007"), was) {
				f.t.Errorf("it did %v, and 0007 was %+v and is %+v", did, was, f.member("0007"))
			}
			f.idle()
		})
	})
	t.Run("Feishu", func(t *testing.T) {
		t.Parallel()
		companyStory(t, func(f *firm) { reversed(f); crowdedWeCom(f) }, func(f *firm) {
			f.ends(f.sync(), run.Succeeded)
			was, _ := f.feishu.User("0007")
			old := f.member("0007")
			f.wecom.RemoveUser("0007")
			f.ends(f.sync(), run.Succeeded)
			if u, _ := f.feishu.User("0007"); !u.Frozen || u.Resigned {
				f.t.Fatalf("0007 has left and is %+v", u)
			}
			<-time.After(48 * time.Hour)
			if err := f.wecom.AddUser(old); err != nil {
				f.t.Fatal(err)
			}
			before := len(f.feishu.Effects())
			f.ends(f.sync(), run.Succeeded)
			now, _ := f.feishu.User("0007")
			if did := f.wroteFeishu(before); !slices.Equal(did, []string{"user.patch " + was.OpenID}) || !reflect.DeepEqual(now, was) {
				f.t.Errorf("it did %v, and 0007 was %+v and is %+v", did, was, now)
			}
			f.idle()
		})
	})
}

// leaver gives a person of Feishu as they can be added again.
func (f *firm) leaver(no string) feishusim.User {
	f.t.Helper()
	u, there := f.feishu.User(no)
	if !there {
		f.t.Fatalf("%s is not in Feishu", no)
	}
	return u
}

// TestPeerFailure06 has people whom a careless key takes for one another. For
// go-ldap-admin two 张伟 were one account, of which the second overwrote mail and phone
// of the first. Here both have their own, or the plan names the conflict.
func TestPeerFailure06_TwoOfANameAreNeverMerged(t *testing.T) {
	t.Parallel()
	person := func(f *firm, no, name, login, mail string) {
		f.source.put(directory.User, no, name, directory.Attributes{
			"employee_no": directory.TextOf(no), "email": directory.TextOf(mail), "login": directory.TextOf(login), "mobile": directory.TextOf("1390000" + no),
		})
	}
	roster := func(userid string, match ...string) func(*firm) {
		return func(f *firm) {
			f.follow("hr", f.source, "wecom", f.wc)
			f.flow.Plan.Departments = nil
			f.flow.Plan.Users = compiled(f.t, peerSpec(userid, match...))
		}
	}
	t.Run("same name", func(t *testing.T) {
		t.Parallel()
		companyStory(t, roster("employee_no", "employee_no"), func(f *firm) {
			person(f, "0001", "张伟", "zhangwei", "a@x.example")
			person(f, "0002", "张伟", "zhangwei", "b@x.example")
			f.ends(f.sync(), run.Succeeded)
			if a, b := f.member("0001"), f.member("0002"); a.Email != "a@x.example" || b.Email != "b@x.example" || a.Mobile == b.Mobile {
				f.t.Errorf("%+v and %+v", a, b)
			}
			f.idle()
		})
	})
	t.Run("same pinyin as the account's name", func(t *testing.T) {
		t.Parallel()
		companyStory(t, roster("login", "employee_no"), func(f *firm) {
			person(f, "0001", "张伟", "zhangwei", "a@x.example")
			f.ends(f.sync(), run.Succeeded)
			person(f, "0002", "章薇", "ZhangWei", "b@x.example")
			person(f, "0003", "李娜", "lina", "c@x.example")
			person(f, "0004", "李那", "lina", "d@x.example")
			r := f.sync()
			f.conflicts(r, "0002")
			if u := f.member("zhangwei"); u.Email != "a@x.example" || u.Mobile != "13900000001" || u.Name != "张伟" {
				f.t.Errorf("zhangwei is %+v", u)
			}
			// Of the other two at most one has it, whole.
			u, there := f.wecom.User("lina")
			if there && (u.Mobile == "13900000003") != (u.Email == "c@x.example") {
				f.t.Errorf("lina is of two people: %+v", u)
			}
			before := f.writes()
			f.conflicts(f.sync(), "0002")
			if n := f.writes() - before; n > 0 {
				f.t.Errorf("%d writes the second time", n)
			}
		})
	})
	t.Run("same mail", func(t *testing.T) {
		t.Parallel()
		companyStory(t, roster("employee_no", "employee_no"), func(f *firm) {
			person(f, "0001", "张伟", "a", "both@x.example")
			f.ends(f.sync(), run.Succeeded)
			person(f, "0002", "张威", "b", "both@x.example")
			r := f.sync()
			if e := f.entry(r, "0002"); r.State != run.Partial || e.Step != run.StepFailed || !strings.Contains(e.Say, "邮箱") {
				f.t.Errorf("%s, %+v", r.State, e)
			}
			if _, there := f.wecom.User("0002"); there || f.member("0001").Name != "张伟" || f.member("0001").Email != "both@x.example" {
				f.t.Errorf("0001 is %+v, 0002 is there: %v", f.member("0001"), there)
			}
		})
	})
	t.Run("same name in the target, found by name", func(t *testing.T) {
		t.Parallel()
		companyStory(t, func(f *firm) {
			roster("employee_no", "name")(f)
			f.enlist("9001", 1)
			if err := f.wecom.ChangeUser("9001", func(u *wecomsim.User) { u.Name = "张伟" }); err != nil {
				f.t.Fatal(err)
			}
		}, func(f *firm) {
			was := f.member("9001")
			person(f, "0001", "张伟", "a", "a@x.example")
			person(f, "0002", "张伟", "b", "b@x.example")
			f.conflicts(f.sync(), "0001", "0002")
			if now := f.member("9001"); !reflect.DeepEqual(now, was) {
				f.t.Errorf("9001 was %+v and is %+v", was, now)
			}
		})
	})
}

// conflicts sees that the plan names a conflict of each of these people.
func (f *firm) conflicts(r run.Run, people ...directory.ID) {
	f.t.Helper()
	p := f.plan(r)
	for _, id := range people {
		if !slices.ContainsFunc(p.Notes, func(n plan.Note) bool { return n.Kind == plan.Conflict && n.Key.ID == id && n.Say != "" }) {
			f.t.Errorf("no conflict of %s among %+v", id, p.Notes)
		}
	}
}
