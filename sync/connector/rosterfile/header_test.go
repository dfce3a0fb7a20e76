package rosterfile

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestHeading(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" 工号 ": "工号", "\ufeff姓名": "姓名", "ｎａｍｅ": "name", "入职\n日期": "入职日期", "Employee\nID": "Employee ID",
		"a  b": "a b", "\u3000手机\u3000": "手机", "手 机": "手 机", "": "",
	} {
		if got := heading(in); got != want {
			t.Errorf("heading(%q) = %q, want %q", in, got, want)
		}
	}
	for _, pair := range [][2]string{{"*姓名", "姓名"}, {"姓名（必填）", "姓名"}, {"入职 日期", "入职日期"}, {"EMail", "email"}} {
		if headingKey(pair[0]) != headingKey(pair[1]) {
			t.Errorf("%q and %q are two headings", pair[0], pair[1])
		}
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	for _, header := range []string{
		"工号,姓名,手机,邮箱,部门,职位,上级", "员工编号,姓名,手机号,邮件,部门,职务,直属上级",
		"employee_no,name,mobile,email,departments,title,manager", "Employee ID,Name,Phone,E-mail,Department,Title,Manager",
		"员工编号,*姓名,手机号码,电子邮箱,所在部门,岗位,直属上级",
	} {
		id, _, _ := strings.Cut(header, ",")
		s := readCSV(t, header+"\nx1,甲,138,a@b,/部,t,x2\nx2,乙,139,c@d,,,\n", func(o *Options) { o.ID = id })
		wantComplete(t, s)
		wantAttrs(t, s, "x1", map[string]string{
			"employee_no": "text:x1", "name": "text:甲", "mobile": "text:138", "email": "text:a@b",
			"departments": "refs:department:/部", "title": "text:t", "manager": "refs:user:x2",
		})
	}
}

// TestTwoMeanTheSame checks that a choice between columns is left to the admin,
// and costs only that attribute.
func TestTwoMeanTheSame(t *testing.T) {
	t.Parallel()
	const text = "工号,职位,职务\n1,工程师,组长\n"
	s := readCSV(t, text, nil)
	wantComplete(t, s)
	wantAttrs(t, s, "1", map[string]string{"title": "unknown:?", "职位": "text:工程师", "职务": "text:组长"})
	if len(s.Health.Hidden) != 1 || !strings.Contains(s.Health.Hidden[0], "职位 and 职务") {
		t.Errorf("hidden: %v", s.Health.Hidden)
	}
	bilingual(t, s.Health.Hidden[0])
	s = readCSV(t, text, func(o *Options) { o.Attributes = []Attribute{{Name: "title", Column: "职务"}} })
	wantAttrs(t, s, "1", map[string]string{"title": "text:组长", "职位": "text:工程师"})
	s = readCSV(t, "工号,员工编号\n1,A7\n", nil)
	wantAttrs(t, s, "1", map[string]string{"employee_no": "text:1", "员工编号": "text:A7"})
}

func TestRefusedHeader(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, part string
		change     func(*Options)
	}{
		"no id":          {"编号,姓名\n1,a\n", "工号 (id) in row 1, which has: 编号, 姓名", nil},
		"twice":          {"工号,姓名,电话, 姓 名\n", "columns B and D", nil},
		"declared":       {"工号,姓名\n", "入职日期 (attributes.hiredate)", func(o *Options) { o.Attributes = []Attribute{{Name: "hiredate", Column: "入职日期"}} }},
		"needed":         {"工号,姓名,手机\n", "no column holds email, 入职日期", func(o *Options) { o.Needs = []string{"employee_no", "mobile", "email", "入职日期", "name"} }},
		"wrong encoding": {gb18030(t, "编号,姓名\n"), "编号", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connect(t, "/srv/roster.csv", newDisk(c.text), c.change).Read(t.Context())
			wantFault(t, err, fault.Invalid, c.part)
		})
	}
}

func TestDeclaredAttributes(t *testing.T) {
	t.Parallel()
	text := "编号,姓名,入职日期,级别,兼职,标签,组织,到岗\n" +
		"1,甲,02.01.2026,3,是,\"a;b，c\",总部|华东,20260102\n" +
		"2,乙,,,,,,\n" +
		"3,丙,2026-01-02,三,也许,,,46024\n"
	c := connect(t, "roster.csv", newDisk(text), func(o *Options) {
		o.ID = "编号"
		o.Attributes = []Attribute{
			{Name: "hiredate", Column: "入职日期", Type: "date", Format: "02.01.2006"},
			{Name: "级别", Type: "int"},
			{Name: "parttime", Column: "兼职", Type: "bool"},
			{Name: "tags", Column: "标签", Type: "list"},
			{Name: "departments", Column: "组织", Format: "|"},
			{Name: "employee_no", Column: "编号"},
			{Name: "onboard", Column: "到岗", Type: "date"},
		}
	})
	s := mustRead(t, c)
	wantAttrs(t, s, "1", map[string]string{
		"hiredate": "date:2026-01-02", "入职日期": "date:2026-01-02", "级别": "int:3", "parttime": "bool:true", "tags": "list:a, b, c",
		"departments": "refs:department:/总部, department:/华东", "employee_no": "text:1", "onboard": "date:2026-01-02",
	})
	wantAttrs(t, s, "2", map[string]string{"hiredate": "date:", "级别": "int:", "parttime": "bool:", "tags": "list:", "departments": "refs:"})
	wantAttrs(t, s, "3", map[string]string{"hiredate": "unknown:?", "级别": "unknown:?", "parttime": "unknown:?", "onboard": "date:2026-01-02"})
	for column, part := range map[string]string{"入职日期": "date", "级别": "whole number", "兼职": "yes or no"} {
		wantProblem(t, s, "roster.csv row 4 column "+column, part)
	}
	types, err := c.Declared(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]directory.Type{
		"hiredate": directory.Date, "入职日期": directory.Date, "级别": directory.Int, "parttime": directory.Bool,
		"tags": directory.List, "departments": directory.Refs, "姓名": directory.Text, "name": directory.Text, "编号": directory.Text,
	} {
		if types[name] != want {
			t.Errorf("%s is declared %s, want %s", name, types[name], want)
		}
	}
	for o := range s.All(directory.User) {
		for name, v := range o.Attributes {
			if v.Type() != directory.Unknown && v.Type() != types[name] {
				t.Errorf("%s of %s is %s, declared %s", name, o.ID, v.Type(), types[name])
			}
		}
	}
}

func TestDetectedDates(t *testing.T) {
	t.Parallel()
	text := "工号,入职日期,工作时间,birth,Hire Date,candidate,试用\n" +
		"1,20200102,9:00-18:00,2000年1月2日,2020/1/2,2020/1/2x,2020.1.2\n" +
		"2,,10:00,2001年1月2日,43832,,\n"
	c := connect(t, "roster.csv", newDisk(text), nil)
	s := mustRead(t, c)
	wantComplete(t, s)
	wantAttrs(t, s, "1", map[string]string{
		"入职日期": "date:2020-01-02", "工作时间": "text:9:00-18:00", "birth": "date:2000-01-02", "Hire Date": "date:2020-01-02",
		"candidate": "text:2020/1/2x", "试用": "date:2020-01-02",
	})
	wantAttrs(t, s, "2", map[string]string{"入职日期": "date:", "Hire Date": "date:2020-01-02", "试用": "date:"})
	columns, err := c.Columns(t.Context())
	if err != nil || len(columns) != 7 {
		t.Fatalf("%v %v", columns, err)
	}
	got := columns[3]
	if got.Name != "birth" || got.Letters != "D" || got.Type != directory.Date || got.Filled != 2 || len(got.Samples) != 2 || got.Attributes[0] != "birth" {
		t.Errorf("column %+v", got)
	}
	if got := columns[0]; len(got.Attributes) != 2 || got.Type != directory.Text {
		t.Errorf("column %+v", got)
	}
}

// TestTypoInDates checks that one typo hides one cell and does not turn a whole
// column into text.
func TestTypoInDates(t *testing.T) {
	t.Parallel()
	text := "工号,转正\n" + strings.Repeat("x,2020-01-02\n", 19)
	var b strings.Builder
	for i, line := range strings.SplitAfter(text, "\n") {
		if strings.HasPrefix(line, "x") {
			line = letters(i) + line[1:]
		}
		b.WriteString(line)
	}
	s := readCSV(t, b.String()+"typo,2020-02-30\n", nil)
	wantAttrs(t, s, "B", map[string]string{"转正": "date:2020-01-02"})
	wantAttrs(t, s, "typo", map[string]string{"转正": "unknown:?"})
	wantProblem(t, s, "roster.csv row 21 column 转正", "not a date")
	s = readCSV(t, "工号,号段\n1,20200102\n2,20200103\n", nil)
	wantAttrs(t, s, "1", map[string]string{"号段": "text:20200102"})
}

func TestManagers(t *testing.T) {
	t.Parallel()
	s := readCSV(t, "id,工号,上级\na,1001,\nb,1002,1001\nc,1003,a\nd,1004,老张\ne,1005,1001x\ndup,7,\ndup,8,\nf,9,dup\n", func(o *Options) { o.ID = "id" })
	wantAttrs(t, s, "b", map[string]string{"manager": "refs:user:a", "上级": "text:1001"})
	wantAttrs(t, s, "c", map[string]string{"manager": "refs:user:a"})
	wantAttrs(t, s, "d", map[string]string{"manager": "unknown:?"})
	wantAttrs(t, s, "f", map[string]string{"manager": "unknown:?"})
	wantProblem(t, s, "roster.csv row 5 column 上级", "老张")
	wantProblem(t, s, "roster.csv row 9 column 上级", "cannot be read")
	s = readCSV(t, "工号,上级\n1,老张\n2,老张\n3,\n", nil)
	if !s.Complete() || len(s.Health.Problems) != 1 {
		t.Errorf("names for managers: %q %v", s.Health.PartialFor, s.Health.Problems)
	}
	wantProblem(t, s, "roster.csv row 2 column 上级", "names nobody")
}

func TestDepartments(t *testing.T) {
	t.Parallel()
	s := readCSV(t, "工号,部门\n1,/集团/研发部/ 平台组 ;集团＞市场部；/集团/研发部/平台组\n2,集团\\财务（上海）\n", nil)
	wantComplete(t, s)
	for id, want := range map[string]string{
		"/集团": "text:集团 refs: text:/集团", "/集团/研发部": "text:研发部 refs:department:/集团 text:/集团/研发部",
		"/集团/研发部/平台组": "text:平台组 refs:department:/集团/研发部 text:/集团/研发部/平台组",
		"/集团/市场部":     "text:市场部 refs:department:/集团 text:/集团/市场部",
		"/集团/财务（上海）":  "text:财务（上海） refs:department:/集团 text:/集团/财务（上海）",
	} {
		o, ok := s.Get(directory.Key{Kind: directory.Department, ID: directory.ID(id)})
		var got []string
		for _, name := range []string{"name", "parent", "path"} {
			got = append(got, o.Attributes[name].Type().String()+":"+o.Attributes[name].String())
		}
		if !ok || !o.Active || strings.Join(got, " ") != want {
			t.Errorf("%s: %v %v", id, ok, got)
		}
	}
	if s.Len(directory.Department) != 5 {
		t.Errorf("%d departments", s.Len(directory.Department))
	}
	wantAttrs(t, s, "1", map[string]string{"departments": "refs:department:/集团/研发部/平台组, department:/集团/市场部"})
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := New(Options{
		Path: "roster.xls", Contents: "all", Encoding: "big5", Delimiter: "|", HeaderRow: 101, Target: true, Disabled: "停用",
		Attributes: []Attribute{{Name: "a", Type: "float"}, {Name: "a"}, {Name: "d", Type: "date", Format: "yyyy-MM-dd"}},
	})
	for _, part := range []string{"system", "path", "id", "contents", "encoding", "delimiter", "header_row", "disabled", "attributes.a.type", "attributes.a ", "attributes.d.format", "clock"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not named in %v", part, err)
		}
	}
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("kind %q", fault.KindOf(err))
	}
}
