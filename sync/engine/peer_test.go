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
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
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
		from  crowd
		slow  func(*firm)
		whole bool // asking again helps
	}{
		"Feishu, every third page":          {fromFeishu(), func(f *firm) { f.toFeishu.slow(3, "/users/find_by_department", true, 429, feishuSlowDown) }, true},
		"Feishu, every page":                {fromFeishu(), func(f *firm) { f.toFeishu.slow(1, "/users/find_by_department", false, 429, feishuSlowDown) }, false},
		"WeCom, every second person":        {fromWeCom(), func(f *firm) { f.toWeCom.slow(2, "/user/get", true, 200, wecomParallel) }, true},
		"WeCom, every person":               {fromWeCom(), func(f *firm) { f.toWeCom.slow(1, "/user/get", false, 200, wecomParallel) }, false},
		"WeCom, every department, no quota": {fromWeCom(), func(f *firm) { f.toWeCom.slow(1, "/user/list", false, 200, wecomQuota) }, false},
		"DingTalk, every tenth person":      {fromDing(), func(f *firm) { f.toDing.slow(10, "/topapi/v2/user/get", true, 200, dingSlowDown) }, true},
		"DingTalk, every tenth, for ever":   {fromDing(), func(f *firm) { f.toDing.slow(10, "/topapi/v2/user/get", false, 200, dingSlowDown) }, true},
		"DingTalk, every person":            {fromDing(), func(f *firm) { f.toDing.slow(1, "/topapi/v2/user/get", false, 200, dingSlowDown) }, false},
		"DingTalk, every department":        {fromDing(), func(f *firm) { f.toDing.slow(1, "/topapi/v2/user/list", false, 200, dingSlowDown) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			companyStory(t, c.from.fill, func(f *firm) {
				f.ends(f.sync(), run.Succeeded)
				f.idle()
				before := f.accounts(c.from.intoFeishu)
				c.from.leave(f, "0007")
				c.from.retitle(f, "0008")
				c.slow(f)
				r := f.until(f.start(true).Code)
				if c.from.road(f).refused() == 0 {
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
					if now := f.accounts(c.from.intoFeishu)[no]; no != "0008" && !reflect.DeepEqual(now, was) {
						f.t.Errorf("%s was %+v and is %+v", no, was, now)
					}
				}
				// Once the platform answers again, the one who left is seen.
				c.from.road(f).slow(0, "", false, 0, "")
				<-time.After(2 * time.Hour)
				if r := f.ends(f.until(f.start(true).Code), run.Awaiting); r.Counts.Disable != 1 || r.Counts.Delete != 0 {
					f.t.Errorf("afterwards it plans %+v", r.Counts)
				}
			})
		})
	}
}

// crowd is a source with two full departments and twelve that have one person each,
// and what happens to its people.
type crowd struct {
	fill       func(*firm)
	leave      func(f *firm, no string)
	retitle    func(f *firm, no string)
	road       func(*firm) *wire
	intoFeishu bool
}

func fromFeishu() crowd {
	return crowd{
		fill:    crowded,
		leave:   func(f *firm, no string) { f.feishu.RemoveUser(no) },
		retitle: func(f *firm, no string) { f.edit(no, func(u *feishusim.User) { u.JobTitle = "架构师" }) },
		road:    func(f *firm) *wire { return f.toFeishu },
	}
}

func fromWeCom() crowd {
	return crowd{
		fill:  func(f *firm) { reversed(f); crowdedWeCom(f) },
		leave: func(f *firm, no string) { f.wecom.RemoveUser(no) },
		retitle: func(f *firm, no string) {
			if err := f.wecom.ChangeUser(no, func(u *wecomsim.User) { u.Position = "架构师" }); err != nil {
				f.t.Fatal(err)
			}
		},
		road:       func(f *firm) *wire { return f.toWeCom },
		intoFeishu: true,
	}
}

func fromDing() crowd {
	return crowd{
		fill: func(f *firm) {
			dinged(f)
			everybody(func(d int) func(string) {
				id := f.team(fmt.Sprintf("部门%02d", d))
				return func(no string) { f.engage(no, id) }
			})
		},
		leave: func(f *firm, no string) {
			if err := f.ding.Console().RemoveUser(no); err != nil {
				f.t.Fatal(err)
			}
		},
		retitle: func(f *firm, no string) {
			if err := f.ding.Console().ChangeUser(no, func(u *dingtalksim.User) { u.Title = "架构师" }); err != nil {
				f.t.Fatal(err)
			}
		},
		road: func(f *firm) *wire { return f.toDing },
	}
}

// everybody adds the people of a crowd, department by department.
func everybody(department func(d int) (add func(no string))) {
	for i := range 14 {
		add, people := department(i), 1
		if i < 2 {
			people = 12
		}
		for j := range people {
			add(fmt.Sprintf("%04d", i*20+j))
		}
	}
}

// crowded fills Feishu with a crowd.
func crowded(f *firm) {
	top := f.division("总部", "")
	everybody(func(d int) func(string) {
		id := f.division(fmt.Sprintf("部门%02d", d), top)
		return func(no string) { f.hire(no, id) }
	})
}

// crowdedWeCom is crowded for WeCom.
func crowdedWeCom(f *firm) {
	everybody(func(d int) func(string) {
		id, err := f.wecom.AddDepartment(wecomsim.Department{Name: fmt.Sprintf("部门%02d", d)})
		if err != nil {
			f.t.Fatal(err)
		}
		return func(no string) { f.enlist(no, id) }
	})
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
