package scim_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// TestDialects compares every request of every operation with what was agreed, for
// each dialect and for a service without PATCH.
func TestDialects(t *testing.T) {
	t.Parallel()
	for name, adjust := range map[string]func(*scimsim.Options, *scim.Options){
		"standard": func(*scimsim.Options, *scim.Options) {},
		"okta":     func(_ *scimsim.Options, o *scim.Options) { o.Dialect = scim.Okta },
		"entra":    func(s *scimsim.Options, o *scim.Options) { o.Dialect, s.Lenient = scim.Entra, true },
		"put": func(s *scimsim.Options, o *scim.Options) {
			s.NoPatch, s.ETags, o.Departments = true, true, scim.NoGroups
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := transcript(t, newBench(t, adjust))
			file := filepath.Join("testdata", "dialect", name+".txt")
			if connectortest.Update() {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the requests are others than in %s (run with -update and look at the difference):\n%s", file, got)
			}
		})
	}
}

// transcript makes one change of each kind and gives the requests of each.
func transcript(t *testing.T, b *bench) string {
	t.Helper()
	_, groups := b.conn.Describe().Attribute(directory.User, "groups")
	var out strings.Builder
	seen := 0
	step := func(name string, w connector.Write) directory.Key {
		t.Helper()
		k := do(t, b.conn, w)
		fmt.Fprintf(&out, "== %s\n", name)
		all := b.Requests()
		for _, r := range all[seen:] {
			fmt.Fprintln(&out, r.Line)
			if r.Match != "" {
				fmt.Fprintln(&out, "If-Match:", r.Match)
			}
			if r.Body != "" {
				fmt.Fprintln(&out, r.Body)
			}
			neverAll(t, r.Body)
		}
		seen = len(all)
		return k
	}
	user := key(directory.User, "")
	var d, e directory.Key
	after := directory.Attributes{
		"userName": text("zhang.san"), "name": text("张三"), "familyName": text("张"), "email": text("z@corp.example"),
		"employee_no": text("0001"), "department": text("研发"),
	}
	if groups {
		d = step("create a department", connector.Write{Op: plan.Create, Key: key(directory.Department, ""), Token: "t-1", After: directory.Attributes{"name": text("研发部"), "order": directory.IntOf(3)}})
		e = step("create one below", connector.Write{Op: plan.Create, Key: key(directory.Department, ""), Token: "t-2", After: directory.Attributes{
			"name": text("平台组"), "externalId": text("D2"), "parent": directory.RefsToKind(directory.Department, d.ID),
		}})
		after["groups"] = directory.RefsToKind(directory.Department, d.ID)
	}
	boss := step("create a user with a key of ours", connector.Write{Op: plan.Create, Key: user, Token: "t-3", After: directory.Attributes{"userName": text("boss"), "externalId": text("E1")}})
	u := step("create a user", connector.Write{Op: plan.Create, Key: user, Token: "t-4", After: after})
	step("change texts", connector.Write{Op: plan.Update, Key: u, After: directory.Attributes{
		"name": text("张三丰"), "givenName": text("三丰"), "email": text("s@corp.example"), "mobile": text("13800000001"), "department": text(""),
		"costCenter": text("C1"), "title": text("工程师"), "manager": directory.RefsToKind(directory.User, boss.ID),
	}})
	step("clear texts", connector.Write{Op: plan.Update, Key: u, After: directory.Attributes{
		"givenName": text(""), "mobile": text(""), "title": text(""), "manager": directory.RefsTo(),
	}})
	step("change nothing", connector.Write{Op: plan.Update, Key: u, After: directory.Attributes{"name": text("张三丰")}})
	step("disable", connector.Write{Op: plan.Disable, Key: u})
	step("enable", connector.Write{Op: plan.Update, Key: u, After: directory.Attributes{"active": directory.BoolOf(true)}})
	if groups {
		step("move", connector.Write{Op: plan.Update, Key: u, After: directory.Attributes{"groups": directory.RefsToKind(directory.Department, e.ID)}})
		step("change a department", connector.Write{Op: plan.Update, Key: e, After: directory.Attributes{
			"name": text("架构组"), "parent": directory.RefsTo(), "leaders": directory.RefsToKind(directory.User, u.ID, boss.ID),
		}})
		step("delete a department", connector.Write{Op: plan.Delete, Key: d})
	}
	step("delete a user", connector.Write{Op: plan.Delete, Key: u})
	return out.String()
}

// neverAll checks the one form that wipes groups: to remove members without saying
// which, or with a list of them that a service may overlook.
func neverAll(t *testing.T, body string) {
	t.Helper()
	var p struct {
		Operations []struct{ Op, Path string }
	}
	if body == "" || json.Unmarshal([]byte(body), &p) != nil {
		return
	}
	for _, o := range p.Operations {
		switch strings.ToLower(o.Op) {
		case "add":
			continue
		case "remove", "replace":
			if o.Path == "members" || strings.Contains(body, `"members":[`) {
				t.Errorf("a request touches all members: %s", body)
			}
		}
	}
}
