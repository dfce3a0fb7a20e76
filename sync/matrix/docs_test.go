package matrix

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
	"github.com/rollcallhq/rollcall/sync/connector/sqltable"
	"github.com/rollcallhq/rollcall/sync/connector/wecom"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

var update = flag.Bool("update", false, "write the table of systems in docs")

// entry is one row of the table of systems.
type entry struct {
	title, page string // page: the file's name without its language
	c           connector.Source
	changes     connector.Text // how the system tells of changes
}

// sizes are those for which the calls of a reading are told.
var sizes = [][2]int{{1_000, 50}, {10_000, 500}, {100_000, 2_000}}

func entries(t *testing.T) []entry {
	t.Helper()
	must := func(c connector.Source, err error) connector.Source {
		t.Helper()
		check(t, err)
		if c, closes := c.(io.Closer); closes {
			t.Cleanup(func() { _ = c.Close() })
		}
		return c
	}
	ldapOptions := ldapdir.Options{URL: "ldaps://dc1.corp.example", BindDN: "a", BindPassword: "b", BaseDN: "dc=corp", Dialect: ldapdir.OpenLDAP, Disabled: "employeeType=disabled", Now: time.Now}
	ad := ldapOptions
	ad.Dialect, ad.Disabled = ldapdir.AD, ""
	no := connector.Text{EN: "no", ZH: "无"}
	return []entry{
		{"飞书 Feishu", "feishu", must(feishu.New(feishu.Options{AppID: "a", AppSecret: "b", Now: time.Now})), connector.Text{EN: "contact events", ZH: "通讯录事件"}},
		{"企业微信 WeCom", "wecom", must(wecom.New(wecom.Options{CorpID: "a", ContactsSecret: "b", AppSecret: "c", HTTPClient: http.DefaultClient, Now: time.Now})), connector.Text{EN: "contact events", ZH: "通讯录事件"}},
		{"钉钉 DingTalk", "dingtalk", must(dingtalk.New(dingtalk.Options{ClientID: "a", ClientSecret: "b", HTTPClient: http.DefaultClient, Now: time.Now})), connector.Text{EN: "contact events", ZH: "通讯录事件"}},
		{"OpenLDAP", "ldap", must(ldapdir.New(ldapOptions)), connector.Text{EN: "persistent search (syncprov)", ZH: "持续搜索（syncprov）"}},
		{"Active Directory", "ldap", must(ldapdir.New(ad)), connector.Text{EN: "DirSync, every 30 s", ZH: "DirSync，每 30 秒"}},
		{"SCIM 2.0", "scim", must(scim.New(scim.Options{URL: "https://app.example.com", Token: "t", HTTPClient: http.DefaultClient, Now: time.Now})), no},
		{
			"scim_server", "scim-server", must(scimserver.New(scimserver.Options{System: "s", Path: "/scim/s/v2", Token: strings.Repeat("t", scimserver.MinToken), Shelf: noShelf{}, Now: time.Now})),
			connector.Text{EN: "every push", ZH: "每次推送"},
		},
		{
			"CSV, XLSX", "file", must(rosterfile.New(rosterfile.Options{System: "s", Path: "a.csv", ID: "工号", Disabled: "状态=停用", Contents: rosterfile.Full, Now: time.Now})),
			connector.Text{EN: "a changed file, within 30 s", ZH: "文件有变化，30 秒内"},
		},
		{"SQL", "sql", must(sqltable.New(sqltable.Options{
			System: "s", URL: "sqlite:a.db", Contents: sqltable.Full, Now: time.Now, Zone: time.UTC,
			Users: sqltable.Table{
				ID: "id", Read: "SELECT id, name, active FROM people", Create: "INSERT INTO people (id, name) VALUES (:id, :name)", Update: "UPDATE people SET name = :name WHERE id = :id",
				Disable: "UPDATE people SET active = 0 WHERE id = :id", Enable: "UPDATE people SET active = 1 WHERE id = :id", Delete: "DELETE FROM people WHERE id = :id",
			},
			Departments: &sqltable.Table{
				ID: "id", Read: "SELECT id, name FROM departments", Create: "INSERT INTO departments (id, name) VALUES (:id, :name)",
				Update: "UPDATE departments SET name = :name WHERE id = :id", Delete: "DELETE FROM departments WHERE id = :id",
			},
		})), no},
	}
}

// noShelf keeps nothing: only Describe is asked.
type noShelf struct{ scimserver.Shelf }

// operations gives what a system can do with a kind, in signs.
func operations(info connector.Info, kind directory.Kind) string {
	var out string
	for _, o := range []struct {
		op   plan.Op
		sign string
	}{{plan.Create, "＋"}, {plan.Update, "✎"}, {plan.Disable, "⏸"}, {plan.Delete, "✕"}} {
		if info.Can(kind, o.op) {
			out += o.sign
		}
	}
	if out == "" {
		return "–"
	}
	return out
}

// grouped writes a number with thin groups of three digits.
func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func table(all []entry, zh bool) string {
	suffix, yes, head := ".md", "yes", []string{"system", "source", "target", "operations", "id", "changes as they happen"}
	if zh {
		suffix, yes, head = ".zh-CN.md", "是", []string{"系统", "来源", "目标", "操作", "编号", "实时变更"}
	}
	for _, s := range sizes {
		head = append(head, grouped(s[0])+" / "+grouped(s[1]))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, e := range all {
		info := e.c.Describe()
		row := []string{"[" + e.title + "](" + e.page + suffix + ")", yes, "", operations(info, directory.User) + " / " + operations(info, directory.Department), "", e.changes.EN}
		if _, target := e.c.(connector.Target); target {
			row[2] = yes
			if info.IDAttribute != "" {
				row[4] = "`" + info.IDAttribute + "`"
			}
		}
		if zh {
			row[5] = e.changes.ZH
		}
		for _, s := range sizes {
			calls := "–"
			if info.Reads != nil {
				calls = grouped(info.Reads(s[0], s[1]))
			}
			row = append(row, calls)
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
	}
	b.WriteByte('\n')
	return b.String()
}

// TestDocs checks that the index of systems says what the connectors say.
func TestDocs(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- systems: generated, do not edit -->\n", "<!-- systems: end -->\n"
	all := entries(t)
	for file, zh := range map[string]bool{"README.md": false, "README.zh-CN.md": true} {
		path := "../../docs/systems/" + file
		page, err := os.ReadFile(path)
		check(t, err)
		head, rest, found := strings.Cut(string(page), begin)
		_, tail, foundEnd := strings.Cut(rest, end)
		want := head + begin + table(all, zh) + end + tail
		switch {
		case !found || !foundEnd:
			t.Errorf("%s has no marks for its table", file)
		case *update:
			check(t, os.WriteFile(path, []byte(want), 0o644))
		case want != string(page):
			t.Errorf("the table in %s is out of date: run the test with -update", file)
		}
	}
	for _, e := range all {
		for _, suffix := range []string{".md", ".zh-CN.md"} {
			if _, err := os.Stat("../../docs/systems/" + e.page + suffix); err != nil {
				t.Errorf("%s has no page: %v", e.title, err)
			}
		}
	}
}
