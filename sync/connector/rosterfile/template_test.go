package rosterfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestTemplates reads the vendors' sheets without a word of configuration beyond
// the file. Their exact headings were not seen, only described; what is checked is
// that the described ones are understood.
func TestTemplates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		change   func(*Options)
		seen     string // a part of what is said of it
		id       string
		want     map[string]string
		disabled string
	}{
		"wecom": {
			text: "填写须知：,,,,,,,,\n1、不能增加或删除列；,,,,,,,,\n2、部门用“/”分隔上下级，例如：示例公司/研发部,,,,,,,,\n" +
				"姓名(必填),账号(必填),别名,职务,部门,性别,手机,座机,个人邮箱,企业邮箱,禁用\n" +
				"张三,zhangsan,San,经理,示例公司/研发部/平台组;示例公司/市场部,男,+86 13800000001,010-1,a@x,a@corp,否\n李四,lisi,,,示例公司,女,,,,,是\n",
			change: func(o *Options) { o.Root = "示例公司" }, seen: "WeCom's import template, headings in row 4", id: "zhangsan",
			want: map[string]string{
				"name": "text:张三", "title": "text:经理", "mobile": "text:+86 13800000001", "email": "text:a@x", "biz_mail": "text:a@corp", "gender": "text:男",
				"departments": "refs:department:/研发部/平台组, department:/市场部", "账号(必填)": "text:zhangsan",
			},
			disabled: "lisi",
		},
		"wecom numbers": {
			text: "姓名,帐号,手机号,邮箱,所在部门,职位,性别,座机\nlisi,lisi,13800000001,a@x,1;5;12,t,1,\n", seen: "WeCom's", id: "lisi",
			want: map[string]string{"departments": "refs:department:/1, department:/5, department:/12", "gender": "text:1"},
		},
		"feishu": {
			text: "请勿改动表头,,,,,\n*姓名,*手机号,工号,人员类型,部门,直属上级,状态\n张三,138,1,正式,\"研发部/平台组,市场部\",,正常\n李四,139,2,正式,,1,已离职\n",
			seen: "Feishu's import template, headings in row 2", id: "1",
			want:     map[string]string{"departments": "refs:department:/研发部/平台组, department:/市场部", "name": "text:张三", "employee_no": "text:1"},
			disabled: "2",
		},
		"dingtalk": {
			text: "员工UserID,姓名,手机号,部门,职位,是否部门主管,直属主管,入职时间\nu1,张三,138,集团-研发部-平台组，集团-市场部,t,否,,2026/3/1\nu2,李四,139,,,否,u1,2026-03-02\n",
			seen: "DingTalk's import template", id: "u2",
			want: map[string]string{"manager": "refs:user:u1", "hiredate": "date:2026-03-02", "departments": "refs:"},
		},
		"plain": {
			text: "userid,name,mobile,department\n1,a,138,\"/x, y\"\n", seen: "a roster, headings in row 1", id: "1",
			want: map[string]string{"departments": "refs:department:/x, y"},
		},
		"weaker words": {
			text: "工号,名称,个人邮箱,直属主管\n1,a,b@x,\n", seen: "a roster", id: "1", want: map[string]string{"name": "text:a", "email": "text:b@x", "manager": "refs:"},
		},
		"stronger words": {
			text: "工号,姓名,名称,邮箱,个人邮箱\n1,a,z,b@x,c@x\n", seen: "a roster", id: "1", want: map[string]string{"name": "text:a", "email": "text:b@x"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, "/srv/roster.csv", newDisk(c.text), func(o *Options) {
				if o.ID = ""; c.change != nil {
					c.change(o)
				}
			})
			s := mustRead(t, conn)
			wantComplete(t, s)
			wantAttrs(t, s, c.id, c.want)
			for o := range s.All(directory.User) {
				if o.Active == (string(o.ID) == c.disabled) {
					t.Errorf("%s is active: %v", o.ID, o.Active)
				}
			}
			seen, err := conn.Recognised(t.Context())
			if err != nil || !strings.Contains(seen.Say().EN, c.seen) || !strings.Contains(seen.Say().ZH, "列名在第") {
				t.Errorf("%v: %+v", err, seen.Say())
			}
			if len(conn.Describe().Ops) != 0 || conn.Describe().IDAttribute != "" {
				t.Error("a file whose id column is not configured is no target")
			}
		})
	}
}

// TestTemplateInBook finds the headings below merged lines of explanation.
func TestTemplateInBook(t *testing.T) {
	t.Parallel()
	s := readXLSX(t, func(o *Options) { o.ID = "" }, func(f *excelize.File) {
		rows(t, f, "Sheet1", []any{"填写须知：\n1、账号是成员的唯一标识"}, nil, []any{"姓名", "账号", "别名", "部门"}, []any{"张三", "zs", "", "/研发部"})
		must(t, f.MergeCell("Sheet1", "A1", "D2"))
	})
	wantComplete(t, s)
	wantAttrs(t, s, "zs", map[string]string{"name": "text:张三", "departments": "refs:department:/研发部"})
}

func TestAmbiguousHeadings(t *testing.T) {
	t.Parallel()
	for text, part := range map[string]string{
		"账号,工号,姓名\n1,2,a\n":                 "columns 账号 and 工号 can both",
		"姓名,手机\na,1\n":                      "no heading says which column",
		"工号,启用,是否启用\n1,是,否\n":               "columns 启用 and 是否启用 both say",
		"工号,状态,员工状态\n1,是,否\n":               "columns 状态 and 员工状态 both say",
		"工号,姓名\n工号,姓名\n":                    "rows 1 and 2 can both",
		"userid,姓名,a\n说明,,\n工号,姓名,a\n1,,\n": "rows 1 and 3 can both",
		// A second table with more columns: its headings would make everybody above it invisible.
		"工号,姓名,部门\n1,a,/x\n2,b,/x\n\n工号,姓名,部门,手机\n3,c,/x,1\n": "rows 1 and 5 can both",
		// And one with fewer: its headings would be a person.
		"工号,姓名,部门,手机\n1,a,/x,1\n\n工号,姓名,a\n3,c\n": "rows 1 and 4 can both",
		// A sheet that was sorted with its headings among the people.
		"1,a,/x,138\n2,b,/x,139\n工号,姓名,部门,手机\n3,c,/x,137\n": "row 1 stands above the headings in row 3",
		"1,,\n2,b,\n工号,姓名,部门\n3,c,/x\n":                     "row 2 stands above the headings in row 3",
	} {
		_, err := connect(t, "/srv/roster.csv", newDisk(text), func(o *Options) { o.ID = "" }).Read(t.Context())
		wantFault(t, err, fault.Invalid, part)
	}
	conn := connect(t, "/srv/roster.csv", newDisk("工号,职位,职务\n1,a,b\n"), nil)
	wantFault(t, conn.Probe(t.Context()), fault.Invalid, "职位 and 职务 both mean title")
}

func TestStatusWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		heading, cell, disabled string
		active, ok              bool
	}{
		{"状态", "在职", "", true, true},
		{"状态", "离职", "", false, true},
		{"状态", "试用期", "", true, true},
		{"状态", "停用", "", false, true},
		{"状态", "", "", true, true},
		{"启用", "否", "", false, true},
		{"启用", "大概", "", true, false},
		{"禁用", "是", "", false, true},
		{"禁用", "否", "", true, true},
		{"禁用", "已禁用", "", false, true},
		{"禁用", "禁用", "", false, true},
		{"是否停用", "停用", "", false, true},
		{"是否停用", "启用", "", true, true},
		{"激活", "禁用", "", false, true},
		{"激活", "停用", "", false, true},
		{"激活", "启用", "", true, true},
		{"封号", "启用", "封号=是", true, true},
		{"激活", "否", "", true, true},
		{"激活", "未激活", "", true, true},
		{"激活", "已禁用", "", false, true},
		{"状态", "停用", "状态=停用", false, true},
		{"状态", "离职", "状态=停用", false, true},
		{"状态", "试用期", "状态=停用", true, true},
		{"去向", "黑名单", "去向=黑名单/正常", false, true},
		{"去向", "离职", "去向=黑名单/正常", true, true},
		{"封号", "1", "封号=是", false, true},
		{"封号", "否", "封号=是", true, true},
		{"封号", "停用", "封号=是", true, true},
	} {
		s := readCSV(t, "工号,"+c.heading+"\n1,"+c.cell+"\n", func(o *Options) { o.Disabled = c.disabled })
		o, ok := s.Get(userKey("1"))
		if ok != c.ok || ok && o.Active != c.active {
			t.Errorf("%+v: there %v, active %v", c, ok, o.Active)
		}
	}
	for _, c := range []struct {
		text string
		ok   bool
	}{
		{"状态=停用", true},
		{"状态=停用/在职", true},
		{" 状态 = 停用 ", true},
		{"状态", false},
		{"=x", false},
		{"a=", false},
		{"a=x/x", false},
	} {
		if _, got := parseMark(c.text); got != c.ok {
			t.Errorf("%q is good: %v", c.text, got)
		}
	}
}

// FuzzHeader checks that a row of headings is found wherever it stands, or that
// the doubt is said.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"工号,姓名\n1,a\n", "说明\n\n姓名,账号,别名\na,1,\n", "工号;姓名\n工号;姓名\n", "\"工号\n,x", "userid\tname\r\n1\ta\r\n", ",,\n,,工号\n"} {
		f.Add([]byte(s), "")
		f.Add([]byte(s), "工号")
	}
	f.Fuzz(func(t *testing.T, data []byte, id string) {
		o := Options{System: "hr", Path: "roster.csv", ID: id, Contents: Full, Now: newDisk("").clock}
		if o.validate() != nil {
			return
		}
		c := connect(t, "roster.csv", newDisk(string(data)), func(o *Options) { o.ID = id })
		tab, err := c.csvTable(t.Context(), data)
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("%v", err)
			}
			bilingual(t, fault.Say(err))
			return
		}
		if tab.headerRow < 1 || tab.headerRow > maxSearch && len(data) < 1000 && tab.rows > 0 && c.score(tab.header, c.knownHeadings()) > 0 {
			t.Errorf("the headings are in row %d", tab.headerRow)
		}
	})
}

// TestWriteAndRead writes any values and reads them again: they are the same, or
// were refused, and every other byte stays.
func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"roster.csv", "roster.xlsx"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) { writeAndRead(t, rt, name) })
		})
	}
}

func writeAndRead(t *testing.T, rt *rapid.T, name string) {
	s, conn := newShelf(t, name, nil)
	if name == "roster.csv" {
		s.put("工号,姓名,备注,状态\r\nkeep,\"a\r\nb\",c,\r\n")
	} else {
		s.put(workbook(t, func(f *excelize.File) {
			rows(t, f, "Sheet1", []any{"工号", "姓名", "备注", "状态"}, []any{"keep", "a\nb", "c"})
		}))
	}
	keep := mustRead(t, conn)
	kept, _ := keep.Get(userKey("keep"))
	values := map[string]map[string]string{}
	some := rapid.OneOf(rapid.String(), rapid.StringMatching(`['=+\-@\t\r",;0-9a-zé张_x<>& \n]{0,12}`))
	for range rapid.IntRange(1, 6).Draw(rt, "changes") {
		id := "u" + fmt.Sprint(rapid.IntRange(1, 3).Draw(rt, "id"))
		want := map[string]string{"name": some.Draw(rt, "name"), "备注": some.Draw(rt, "note")}
		w := update(id, text("name", want["name"], "备注", want["备注"]))
		switch {
		case values[id] == nil:
			w = create(id, w.After)
		case rapid.Bool().Draw(rt, "delete"):
			w, want = remove(id), nil
		}
		if _, err := conn.Apply(t.Context(), w); err != nil {
			if fault.KindOf(err) != fault.Invalid {
				rt.Fatalf("%s: %v", w.Op, err)
			}
			continue
		}
		if want == nil {
			delete(values, id)
		} else {
			values[id] = want
		}
	}
	fresh, err := New(conn.o)
	must(t, err)
	snap := mustRead(t, fresh)
	if !snap.Complete() || snap.Len(directory.User) != len(values)+1 {
		rt.Fatalf("%d users of %d, partial for %s, in %q", snap.Len(directory.User), len(values)+1, snap.Health.PartialFor, s.data())
	}
	for id, want := range values {
		o, _ := snap.Get(userKey(id))
		for attr, v := range want {
			if got := o.Attributes[attr].Text(); got != v {
				rt.Errorf("%s of %s is %q, want %q", attr, id, got, v)
			}
		}
	}
	if now, _ := snap.Get(userKey("keep")); now.Digest() != kept.Digest() {
		rt.Errorf("somebody else changed to %v", now)
	}
	if name == "roster.csv" && !strings.HasPrefix(s.data(), "工号,姓名,备注,状态\r\nkeep,\"a\r\nb\",c,\r\n") {
		rt.Errorf("other bytes changed: %q", s.data())
	}
	sameAsRead(t, s, conn)
}
