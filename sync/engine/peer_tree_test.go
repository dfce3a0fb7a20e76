package engine_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// peerSpec is a roster's mapping into WeCom, with the account's id from an
// attribute.
func peerSpec(userid string, match ...string) mapping.Spec {
	return mapping.Spec{Match: match, Rules: []mapping.Rule{
		{To: "userid", From: userid}, {To: "name", From: "name"}, {To: "mobile", From: "mobile"}, {To: "email", From: "email"},
	}}
}

// TestPeerFailure07 reads departments at the edges of pages. MaxKey asked for 50
// people of a department and never for the next page, and go-ldap-admin left out who
// is in the root department and took who is in several for several.
func TestPeerFailure07_DepartmentsOfEverySizeAreReadWhole(t *testing.T) {
	t.Parallel()
	want := map[string]int{"空部门": 0, "五十一人": 51, "一百人": 100, "一百零一人": 101, "": 3}
	for name, change := range map[string]func(*firm, *rota){
		"Feishu": func(f *firm, r *rota) {
			ids := map[string]string{}
			for d := range want {
				if d != "" {
					ids[d] = f.division(d, "")
				}
			}
			r.add = func(no string, departments ...string) {
				var in []string
				for _, d := range departments {
					in = append(in, ids[d])
				}
				f.hire(no, in...)
			}
			r.source, r.id, r.departments = f.fc, "user_id", "departments"
		},
		"WeCom": func(f *firm, r *rota) {
			ids := map[string]int64{}
			for d := range want {
				if d == "" {
					continue
				}
				id, err := f.wecom.AddDepartment(wecomsim.Department{Name: d})
				if err != nil {
					f.t.Fatal(err)
				}
				ids[d] = id
			}
			r.add = func(no string, departments ...string) {
				in := []int64{}
				for _, d := range departments {
					in = append(in, ids[d])
				}
				if len(in) == 0 {
					in = []int64{1}
				}
				f.enlist(no, in...)
			}
			r.source, r.id, r.departments = f.wc, "userid", "departments"
		},
		"DingTalk": func(f *firm, r *rota) {
			ids := map[string]int64{}
			for d := range want {
				if d != "" {
					ids[d] = f.team(d)
				}
			}
			r.add = func(no string, departments ...string) {
				in := []int64{}
				for _, d := range departments {
					in = append(in, ids[d])
				}
				if len(in) == 0 {
					in = []int64{dingtalksim.Root}
				}
				f.engage(no, in...)
			}
			r.source, r.id, r.departments = f.dc, "userid", "departments"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			companyStory(t, func(f *firm) {
				r := &rota{}
				change(f, r)
				r.fill(want)
				f.follow("im", r.source, "corp", f.target)
				f.flow.Plan.Users = compiled(f.t, mapping.Spec{Match: []string{r.id}, Rules: []mapping.Rule{
					{To: "userid", From: r.id}, {To: "name", From: "name"}, {To: "department", From: r.departments},
				}})
			}, func(f *firm) {
				r := f.ends(f.sync(), run.Succeeded)
				if h := f.plan(r).Source.Health; h.PartialFor != "" {
					f.t.Errorf("not read to the end: %+v", h)
				}
				have, several := f.headcount()
				if !maps.Equal(have, want) || several != 1 {
					f.t.Errorf("the target has %v, and %d people in three departments; want %v", have, several, want)
				}
				if n := f.plan(r).Source.Users; n != 253 {
					f.t.Errorf("%d people were read, want 253", n)
				}
				f.idle()
			})
		})
	}
}

// rota fills a source.
type rota struct {
	add             func(no string, departments ...string)
	source          connector.Source
	id, departments string // the source's names of attributes
}

// fill adds somebody who is in three departments, those of the root, and then
// whoever is missing.
func (r *rota) fill(want map[string]int) {
	n := 0
	next := func() string { n++; return fmt.Sprintf("%04d", n) }
	r.add(next(), "五十一人", "一百人", "一百零一人")
	for _, d := range slices.Sorted(maps.Keys(want)) {
		missing := want[d]
		if missing > 3 {
			missing--
		}
		for range missing {
			if d == "" {
				r.add(next())
			} else {
				r.add(next(), d)
			}
		}
	}
}

// headcount counts the target's people by the names of their departments, and
// those who have three; "" is the root.
func (f *firm) headcount() (map[string]int, int) {
	f.target.mu.Lock()
	defer f.target.mu.Unlock()
	all, several := map[string]int{}, 0
	for key, o := range f.target.objects {
		if key.Kind == directory.Department {
			all[o.Name()] += 0
			continue
		}
		refs := o.Attributes["department"].Refs()
		if len(refs) == 0 {
			all[""]++
		}
		if len(refs) == 3 {
			several++
		}
		for _, ref := range refs {
			all[f.target.objects[directory.Key{Kind: directory.Department, ID: ref.ID}].Name()]++
		}
	}
	return all, several
}

// TestPeerFailure08 renames a department, moves one and dissolves one with two below
// it, in one run. LSC deleted parents before their children, and failed; for
// go-ldap-admin a renamed department was another one, and the old one stayed for ever.
func TestPeerFailure08_RenamedMovedAndDissolvedInOneRun(t *testing.T) {
	t.Parallel()
	ids := map[string]string{}
	companyStory(t, func(f *firm) {
		f.flow.Plan.DeleteGoneDepartments = true
		for _, d := range [][2]string{{"研发部", ""}, {"平台组", "研发部"}, {"市场部", ""}, {"品牌组", "市场部"}, {"旧部", ""}, {"旧一组", "旧部"}, {"旧二组", "旧部"}} {
			ids[d[0]] = f.division(d[0], ids[d[1]])
		}
		for i, d := range []string{"研发部", "平台组", "市场部", "品牌组", "旧部", "旧一组", "旧二组"} {
			for j := range 3 {
				f.hire(fmt.Sprintf("%d%03d", i, j), ids[d])
			}
		}
	}, func(f *firm) {
		f.ends(f.sync(), run.Succeeded)
		wasDevelopment, wasMarketing, wasBrand := f.inWeCom("研发部"), f.inWeCom("市场部"), f.inWeCom("品牌组")
		dissolved := []int64{f.inWeCom("旧部"), f.inWeCom("旧一组"), f.inWeCom("旧二组")}
		before := len(f.wecom.Effects())
		f.reorganise(ids)
		r := f.ends(f.sync(), run.Succeeded)
		did := f.wrote(before)
		for _, e := range did {
			if strings.Contains(e, "/create ") || strings.HasPrefix(e, "user/delete") || strings.HasPrefix(e, "user/batchdelete") {
				f.t.Errorf("it did %s", e)
			}
		}
		if r.Counts.Create != 0 || r.Counts.Disable != 0 || r.Counts.Delete != 3 {
			f.t.Errorf("it planned %+v", r.Counts)
		}
		development, _ := f.wecom.Department(wasDevelopment)
		marketing, _ := f.wecom.Department(wasMarketing)
		brand, _ := f.wecom.Department(wasBrand)
		if development.Name != "研究院" || marketing.Parent != wasDevelopment || brand.Parent != wasMarketing {
			f.t.Errorf("%+v, %+v, %+v", development, marketing, brand)
		}
		at := func(e string) int { return slices.Index(did, e) }
		gone := func(i int) int { return at(fmt.Sprintf("department/delete %d", dissolved[i])) }
		if gone(0) < 0 || gone(1) < 0 || gone(2) < 0 || gone(0) < gone(1) || gone(0) < gone(2) || at("user/update 5000") < 0 || at("user/update 5000") > gone(1) {
			f.t.Errorf("out of order: %v", did)
		}
		if n := len(f.wecom.Users()); n != 21 {
			f.t.Errorf("%d people are left of 21", n)
		}
		f.idle()
	})
}

// reorganise renames 研发部, moves 市场部 below it and dissolves 旧部, in Feishu.
func (f *firm) reorganise(ids map[string]string) {
	f.t.Helper()
	for i, d := range []string{"旧部", "旧一组", "旧二组"} {
		for j := range 3 {
			f.edit(fmt.Sprintf("%d%03d", i+4, j), func(u *feishusim.User) { u.Departments, u.Orders = []string{ids["平台组"]}, nil })
		}
		defer func() {
			if !f.feishu.RemoveDepartment(ids[d]) {
				f.t.Errorf("%s was not there", d)
			}
		}()
	}
	f.change(ids["研发部"], map[string]any{"name": "研究院"})
	f.change(ids["市场部"], map[string]any{"parent_department_id": ids["研发部"]})
}

// change edits a department of Feishu as its console does: by the API, outside of
// the product.
func (f *firm) change(id string, body map[string]any) {
	f.t.Helper()
	key := directory.Key{Kind: directory.Department, ID: directory.ID(id)}
	after := directory.Attributes{}
	if name, ok := body["name"].(string); ok {
		after["name"] = directory.TextOf(name)
	}
	if parent, ok := body["parent_department_id"].(string); ok {
		after["parent"] = directory.RefsToKind(directory.Department, directory.ID(parent))
	}
	if _, err := f.openFeishu().Apply(f.t.Context(), connector.Write{Op: "UPDATE", Key: key, After: after, Token: "console"}); err != nil {
		f.t.Fatal(err)
	}
}

// TestPeerFailure10 runs a second time after the first import. Casdoor stored an
// empty hash for everybody whom it had created, so that the second run rewrote every
// user although nothing had changed. Here neither system is written to, and the record
// keeps nothing but that there was a run.
func TestPeerFailure10_TheSecondRunWritesNoRow(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*firm){
		"Feishu to WeCom": crowded,
		"WeCom to Feishu": func(f *firm) { reversed(f); crowdedWeCom(f) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			companyStory(t, func(f *firm) { change(f); f.ownRecord() }, func(f *firm) {
				f.ends(f.sync(), run.Succeeded)
				seen := f.watchRows()
				f.idle()
				// runs, plans, events and audit say that there was a run; leases and
				// counters are of the machinery.
				for what, n := range seen() {
					table, _, _ := strings.Cut(what, " ")
					if !slices.Contains([]string{"runs", "plans", "events", "audit", "leases", "counters"}, table) {
						f.t.Errorf("%d × %s although nothing changed", n, what)
					}
				}
			})
		})
	}
}

// ownRecord opens the record in a folder that the test knows.
func (f *firm) ownRecord() {
	f.t.Helper()
	f.dir = f.t.TempDir()
	st, err := store.Open(f.t.Context(), store.Options{Dir: f.dir, Now: time.Now})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = st.Close() })
	f.store = st
}

// watchRows lets the database itself count every row that is written from now on,
// by table and verb.
func (f *firm) watchRows() func() map[string]int {
	f.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(f.dir, "rollcall.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		f.t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	tables := column(f.t.Context(), f.t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'goose%'`)
	statements := []string{`CREATE TABLE written (what TEXT NOT NULL)`}
	for _, table := range tables {
		for _, verb := range []string{"INSERT", "UPDATE", "DELETE"} {
			statements = append(statements, fmt.Sprintf(
				`CREATE TRIGGER see_%[1]s_%[2]s AFTER %[2]s ON %[1]s BEGIN INSERT INTO written (what) VALUES ('%[1]s %[2]s'); END`, table, verb))
		}
	}
	for _, s := range statements {
		if _, err := db.ExecContext(f.t.Context(), s); err != nil {
			f.t.Fatal(err)
		}
	}
	return func() map[string]int {
		db, err := sql.Open("sqlite", "file:"+filepath.Join(f.dir, "rollcall.db")+"?_pragma=busy_timeout(5000)")
		if err != nil {
			f.t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		seen := map[string]int{}
		for _, what := range column(f.t.Context(), f.t, db, `SELECT what FROM written`) {
			seen[what]++
		}
		if seen["runs INSERT"] != 1 {
			f.t.Errorf("the database does not see the run itself: %v", seen)
		}
		return seen
	}
}

func column(ctx context.Context, t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPeerFailure11 has memberships that an admin gave by hand in the target.
// Casdoor's LDAP sync replaced everybody's groups and wiped what people had been
// given there. What the flow does not map is never written.
func TestPeerFailure11_WhatIsNotMappedIsNeverWritten(t *testing.T) {
	t.Parallel()
	companyStory(t, func(f *firm) {
		crowded(f)
		f.flow.Plan.Departments = nil
		f.flow.Plan.Users = compiled(f.t, mapping.Spec{Match: []string{"employee_no"}, Rules: []mapping.Rule{
			{To: "userid", From: "user_id"}, {To: "name", From: "name"}, {To: "mobile", From: "mobile"}, {To: "position", From: "title"},
		}})
	}, func(f *firm) {
		f.ends(f.sync(), run.Succeeded)
		team, err := f.wecom.AddDepartment(wecomsim.Department{Name: "突击队"})
		if err != nil {
			f.t.Fatal(err)
		}
		for _, no := range []string{"0007", "0008"} {
			err := f.wecom.ChangeUser(no, func(u *wecomsim.User) {
				u.Departments, u.IsLeader, u.Order = []int64{1, team}, []int{0, 1}, []int64{0, 9}
				u.Alias, u.Email, u.DirectLeaders = "手工"+no, "hand"+no+"@x.example", []string{"0001"}
			})
			if err != nil {
				f.t.Fatal(err)
			}
		}
		f.idle() // what was done by hand is no difference
		changed, leaver, before := f.member("0007"), f.member("0008"), len(f.wecom.Effects())
		back := f.leaver("0008")
		f.edit("0007", func(u *feishusim.User) { u.JobTitle = "架构师" })
		f.ends(f.sync(), run.Succeeded)
		f.feishu.RemoveUser("0008")
		f.ends(f.sync(), run.Succeeded)
		if _, err := f.feishu.AddUser(back); err != nil {
			f.t.Fatal(err)
		}
		f.ends(f.sync(), run.Succeeded)
		changed.Position = "架构师"
		if now := f.member("0007"); !reflect.DeepEqual(now, changed) {
			f.t.Errorf("0007 is %+v, want %+v", now, changed)
		}
		if now := f.member("0008"); !reflect.DeepEqual(now, leaver) {
			f.t.Errorf("0008 is %+v, want %+v", now, leaver)
		}
		want := [][]string{{"position", "userid"}, {"enable", "userid"}, {"enable", "userid"}}
		for i, e := range f.wecom.Effects()[before:] {
			if have := fields(f.t, e.Detail); i >= len(want) || !slices.Equal(have, want[i]) {
				f.t.Errorf("%s %s wrote %v", e.Op, e.ID, have)
			}
		}
		f.idle()
	})
}

// fields gives the names that a request carries.
func fields(t *testing.T, body string) []string {
	t.Helper()
	var in map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return slices.Sorted(maps.Keys(in))
}

// TestPeerFailure15 counts the requests for tokens. go-ldap-admin made a new client
// for each page, and each asked for a token of its own: half of its calls.
func TestPeerFailure15_OneTokenForItsWholeLife(t *testing.T) {
	t.Parallel()
	companyStory(t, crowded, func(f *firm) {
		tokens := func() (int, int) { return f.feishu.Calls()["token.tenant"], f.wecom.Calls()["gettoken"] }
		begun := time.Now()
		f.ends(f.sync(), run.Succeeded)
		calls := 0
		for _, n := range f.wecom.Calls() {
			calls += n
		}
		if a, b := tokens(); a != 1 || b != 1 || calls < 50 {
			f.t.Errorf("%d and %d tokens for the first run, of %d calls to WeCom", a, b, calls)
		}
		for time.Since(begun) < 80*time.Minute {
			f.idle()
			<-time.After(20 * time.Minute)
		}
		if a, b := tokens(); a != 1 || b != 1 {
			f.t.Errorf("%d and %d tokens in %v of runs, and one lives for two hours", a, b, time.Since(begun))
		}
		for time.Since(begun) < 12*time.Hour {
			f.idle()
			<-time.After(55 * time.Minute)
		}
		// Both are renewed a while before they end, Feishu 30 minutes and WeCom 5, and
		// no sooner.
		if a, b := tokens(); a < 5 || a > 8 || b < 5 || b > 7 {
			f.t.Errorf("%d and %d tokens in twelve hours", a, b)
		}
	})
	companyStory(t, fromDing().fill, func(f *firm) { // a token of DingTalk's lives for two hours, too
		f.ends(f.sync(), run.Succeeded)
		f.idle()
		<-time.After(80 * time.Minute)
		f.idle()
		tokens, calls := 0, 0
		for _, c := range f.ding.Calls() {
			if c.Path == "/v1.0/oauth2/accessToken" || c.Path == "/gettoken" {
				tokens++
			}
			calls++
		}
		if tokens != 1 || calls < 100 {
			f.t.Errorf("%d tokens for %d calls to DingTalk", tokens, calls)
		}
	})
}
