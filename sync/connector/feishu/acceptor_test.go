package feishu_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

func TestTheLeaderTakesOver(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		acceptor string
		shape    func(x *tenant)
		want     string // who takes over
		kind     fault.Kind
		say      string
	}{
		"the leader":                     {"leader", nil, "boss", "", ""},
		"the leader, with somebody else": {"leader, heir", nil, "boss", "", ""},
		"no leader":                      {"leader", leaderless, "", fault.Denied, "acceptor: leader,"},
		"no leader, with somebody else":  {"leader,heir", leaderless, "heir", "", ""},
		"a leader who has left":          {"leader", leaderLeft, "", fault.Denied, "no direct leader"},
		"left, with somebody else":       {"leader, heir", leaderLeft, "heir", "", ""},
		"a leader who is hidden": {"leader, heir", func(x *tenant) {
			x.SetScopes("contact:contact", "contact:user.base:readonly", "contact:user.employee:readonly", "contact:user.employee_id:readonly")
		}, "", fault.Denied, "contact:user.department:readonly"},
		"a leader out of range": {"leader, heir", func(x *tenant) {
			u, _ := x.User("u1")
			d, _ := x.Department(u.Departments[0])
			x.SetContactScope(&feishusim.ContactScope{Departments: []string{d.OpenID}})
		}, "", fault.Denied, "contact range"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.Acceptor = c.acceptor })
			boss := x.user(t, feishusim.User{UserID: "boss", Name: "老板"})
			x.user(t, feishusim.User{UserID: "heir", Name: "接"})
			x.user(t, feishusim.User{UserID: "u1", Name: "x", LeaderUserID: boss.OpenID, Departments: []string{x.department(t, "甲部", "")}})
			if c.shape != nil {
				c.shape(x)
			}
			_, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey("u1")})
			if fault.KindOf(err) != c.kind || err != nil && !strings.Contains(fault.Say(err), c.say) {
				t.Fatalf("error %v, want %q with %q", err, c.kind, c.say)
			}
			if err != nil {
				if n := len(x.EffectsOf("user.delete")); n != 0 {
					t.Errorf("%d deletions", n)
				}
				return
			}
			if got := x.sent(t); got["docs_acceptor_user_id"] != c.want || got["anycross_acceptor_user_id"] != c.want {
				t.Errorf("sent %v, want %s", got, c.want)
			}
		})
	}
}

func leaderless(x *tenant) { _ = x.UpdateUser("u1", func(u *feishusim.User) { u.LeaderUserID = "" }) }

func leaderLeft(x *tenant) { _ = x.UpdateUser("boss", func(u *feishusim.User) { u.Exited = true }) }

// TestLeaderOfWhoIsGone: somebody who has left already needs nobody.
func TestLeaderOfWhoIsGone(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.Acceptor = "leader" })
	for _, id := range []string{"nobody", "u1"} {
		if id == "u1" {
			x.user(t, feishusim.User{UserID: "u1", Name: "x", Resigned: true})
		}
		if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey(id)}); err != nil || len(x.Effects()) != 0 {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// TestAcceptorIsShown: approvers read who takes over, and nonsense is refused.
func TestAcceptorIsShown(t *testing.T) {
	t.Parallel()
	for acceptor, want := range map[string][2]string{
		"":             {"没有配置交接人", "No acceptor"},
		"u_it":         {"交接人 u_it", "go to u_it"},
		"leader":       {"没有直属上级就不删除", "is not deleted"},
		"leader, u_it": {"没有直属上级时由 u_it", "or to u_it"},
	} {
		x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.Acceptor = acceptor })
		if got := x.c.Describe().DeleteMeans; !strings.Contains(got.ZH, want[0]) || !strings.Contains(got.EN, want[1]) {
			t.Errorf("%q: %v", acceptor, got)
		}
	}
	for _, acceptor := range []string{"leader,", "leader, ", "leader, a, b", "a, b", "ou_1", "leader, leader", "a b"} {
		x := newTenant(t, nil)
		_, err := feishu.New(feishu.Options{AppID: "a", AppSecret: "b", Now: x.clock.Now, Acceptor: acceptor})
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "acceptor") {
			t.Errorf("%q: %v", acceptor, err)
		}
	}
}
