package rosterfile

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const plainRoster = "工号,姓名,手机,邮箱,部门,职位,直属上级,入职日期\n" +
	"0001,张三,13800000001,a@corp.example,/总部/研发部,经理,,2020-01-02\n" +
	"0002,李四,13800000002,b@corp.example,总部>研发部>平台组; 总部\\市场部,工程师,0001,2021/3/4\n"

func gb18030(t *testing.T, s string) string {
	t.Helper()
	out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestForms reads one roster in every form that spreadsheets write.
func TestForms(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string
		change func(*Options)
	}{
		"plain":     {plainRoster, nil},
		"BOM":       {"\ufeff" + plainRoster, nil},
		"CRLF":      {strings.ReplaceAll(plainRoster, "\n", "\r\n"), nil},
		"CR":        {strings.ReplaceAll(plainRoster, "\n", "\r"), nil},
		"no end":    {strings.TrimSuffix(plainRoster, "\n"), nil},
		"tab":       {strings.ReplaceAll(plainRoster, ",", "\t"), nil},
		"tab told":  {strings.ReplaceAll(plainRoster, ",", "\t"), func(o *Options) { o.Delimiter = "\t" }},
		"semicolon": {strings.ReplaceAll(strings.ReplaceAll(plainRoster, "; ", "；"), ",", ";"), nil},
		"GB18030":   {gb18030(t, plainRoster), nil},
		"GB told":   {gb18030(t, plainRoster), func(o *Options) { o.Encoding = GB18030 }},
		"UTF-8":     {plainRoster, func(o *Options) { o.Encoding = UTF8 }},
		"titles":    {"花名册,,,,,,,\n\n" + plainRoster, func(o *Options) { o.HeaderRow = 3 }},
		"blanks":    {strings.ReplaceAll(plainRoster, "\n", "\n\n,,,,,,,\n"), nil},
		"trailing":  {strings.ReplaceAll(plainRoster, "\n", ",,\n"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readCSV(t, c.text, c.change)
			wantComplete(t, s)
			if n := s.Len(directory.User); n != 2 || s.Health.Departments != 4 || s.Len(directory.Department) != 4 || s.Health.Pages != 1 {
				t.Errorf("%d users, health %+v", n, s.Health)
			}
			wantAttrs(t, s, "0002", map[string]string{
				"employee_no": "text:0002", "工号": "text:0002", "name": "text:李四", "姓名": "text:李四",
				"mobile": "text:13800000002", "email": "text:b@corp.example", "title": "text:工程师",
				"departments": "refs:department:/总部/研发部/平台组, department:/总部/市场部",
				"manager":     "refs:user:0001", "入职日期": "date:2021-03-04", "active": "absent:",
			})
			wantAttrs(t, s, "0001", map[string]string{"manager": "refs:", "departments": "refs:department:/总部/研发部"})
		})
	}
}

func TestCells(t *testing.T) {
	t.Parallel()
	text := "工号,姓名,手机,备注,启用\n" +
		"\"=\"\"0007\"\"\",\" 王 五 \",'+8613800000003,\"两行\n的备注\",否\n" + // Excel's way to keep a number a text
		"Ｅ００８,👩‍👩‍👧‍👦 家庭,\u202d13800000004\u202c,\"a,\"\"b\"\"\",\n" +
		"0009,=1+1,１３８00000005,,√\n"
	s := readCSV(t, text, nil)
	wantComplete(t, s)
	wantAttrs(t, s, "0007", map[string]string{"name": "text:王 五", "mobile": "text:+8613800000003", "备注": "text:两行\n的备注"})
	wantAttrs(t, s, "E008", map[string]string{"工号": "text:E008", "name": "text:👩‍👩‍👧‍👦 家庭", "mobile": "text:13800000004", "备注": `text:a,"b"`})
	wantAttrs(t, s, "0009", map[string]string{"name": "text:=1+1", "mobile": "text:13800000005", "备注": "text:"})
	for id, want := range map[string]bool{"0007": false, "E008": true, "0009": true} {
		if o, _ := s.Get(directory.Key{Kind: directory.User, ID: directory.ID(id)}); o.Active != want {
			t.Errorf("%s active: %v", id, o.Active)
		}
	}
}

// TestBrokenRows checks that each kind of broken row is left out and named with
// the row that a spreadsheet shows, and that the others go on.
func TestBrokenRows(t *testing.T) {
	t.Parallel()
	const header = "工号,姓名,启用,入职日期\n0001,\"张\n三\",是,2020-01-02\n\n" // rows 1, 2, 3
	for name, c := range map[string]struct{ row, place, part string }{
		"no id":           {",李四,是,2020-01-02\n", "roster.csv row 4 column 工号", "no id"},
		"short":           {"0002,李四\n", "roster.csv row 4", "fewer cells"},
		"long":            {"0002,李,四,是,2020-01-02\n", "roster.csv row 4", "more cells"},
		"bare quote":      {"0002,李\"四,是,2020-01-02\n", "roster.csv row 4", "quotes"},
		"open quote":      {"0002,\"李四,是,2020-01-02\n0003,王五,是,2020-01-02\n", "roster.csv row 4", "quotes"},
		"huge":            {"0002," + strings.Repeat("字", maxCell+1) + ",是,2020-01-02\n", "roster.csv row 4", "longer"},
		"neither":         {"0002,李四,也许,2020-01-02\n", "roster.csv row 4 column 启用", "yes or no"},
		"scientific id":   {"1.38E+10,李四,是,2020-01-02\n", "roster.csv row 4 column 工号", "digits"},
		"same id as row2": {"0001,李四,是,2020-01-02\n", "roster.csv row 4 column 工号", "rows 2, 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readCSV(t, header+c.row+"\n0009,钱七,是,2020-01-02\n", nil)
			wantProblem(t, s, c.place, c.part)
			if s.Complete() {
				t.Fatal("a snapshot with a broken row is complete")
			}
			bilingual(t, s.Health.PartialFor)
			if name != "open quote" && !s.Has(directory.Key{Kind: directory.User, ID: "0009"}) {
				t.Error("the rows after it are lost")
			}
			if s.Has(directory.Key{Kind: directory.User, ID: "0002"}) {
				t.Error("the broken row was taken")
			}
		})
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	c := connect(t, "roster.csv", newDisk("工号,姓名\nE1,a\nE2,b\ne1,c\nE3,d\nE1,e\n"), nil)
	s := mustRead(t, c)
	if s.Len(directory.User) != 2 || len(s.Health.Problems) != 3 {
		t.Errorf("%d users, problems %v", s.Len(directory.User), s.Health.Problems)
	}
	for _, row := range []string{"2", "4", "6"} {
		wantProblem(t, s, "roster.csv row "+row+" column 工号", "rows 2, 4, 6")
	}
}

func TestUnreadableCells(t *testing.T) {
	t.Parallel()
	s := readCSV(t, "工号,手机,入职日期,备注,部门\n1,1.38E+10,明天,1.2E+05,"+strings.Repeat("/a", maxDepth+1)+"\n2,13800000000,-,x,/a\n3,,2020-1-1,,\n4,,2020-1-2,,\n", nil)
	wantProblem(t, s, "roster.csv row 2 column 手机", "lost its digits")
	wantProblem(t, s, "roster.csv row 2 column 入职日期", "“明天” is not a date")
	wantProblem(t, s, "roster.csv row 2 column 备注", "lost its digits")
	wantProblem(t, s, "roster.csv row 2 column 部门", "path")
	if len(s.Health.Problems) != 4 {
		t.Errorf("a cell is reported more than once: %v", s.Health.Problems)
	}
	if s.Complete() || !strings.HasPrefix(s.Health.PartialFor, "3 places") {
		t.Errorf("partial for %q: a note of no consequence counts, or an id does not", s.Health.PartialFor)
	}
	wantAttrs(t, s, "1", map[string]string{"入职日期": "unknown:?", "mobile": "unknown:?", "手机": "unknown:?", "备注": "unknown:?", "departments": "unknown:?"})
	wantAttrs(t, s, "2", map[string]string{"入职日期": "date:"})
	o, _ := s.Get(directory.Key{Kind: directory.User, ID: "1"})
	reason := o.Attributes["入职日期"].Permission()
	if !strings.HasPrefix(reason, "roster.csv row 2 column 入职日期: ") || !strings.Contains(reason, "not a date") {
		t.Errorf("hidden for %q", reason)
	}
	bilingual(t, reason)
}

// TestNote checks that a text which nobody depends on does not cost the proof.
func TestNote(t *testing.T) {
	t.Parallel()
	s := readCSV(t, "工号,备注\n1,1.2E+05\n", nil)
	if !s.Complete() || len(s.Health.Problems) != 1 {
		t.Errorf("partial for %q, problems %v", s.Health.PartialFor, s.Health.Problems)
	}
}

func TestManyProblems(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("工号,姓名\n")
	for i := range maxProblems + 50 {
		fmt.Fprintf(&b, ",人%d\n", i)
	}
	s := readCSV(t, b.String(), nil)
	if n := len(s.Health.Problems); n != maxProblems+1 {
		t.Fatalf("%d problems are listed", n)
	}
	wantProblem(t, s, "roster.csv", "50 more")
	if !strings.HasPrefix(s.Health.PartialFor, "250 places") {
		t.Errorf("partial for %q", s.Health.PartialFor)
	}
}

func TestEmptyAndPartial(t *testing.T) {
	t.Parallel()
	s := readCSV(t, "工号,姓名\n", nil)
	if !s.Complete() || s.Len(directory.User) != 0 {
		t.Errorf("a header alone: complete %v, %d users", s.Complete(), s.Len(directory.User))
	}
	s = readCSV(t, "工号,姓名\n1,a\n", func(o *Options) { o.Contents = Partial })
	if s.Complete() || s.Len(directory.User) != 1 || !strings.Contains(s.Health.PartialFor, "declared partial") {
		t.Errorf("a partial file: %q", s.Health.PartialFor)
	}
	bilingual(t, s.Health.PartialFor)
}

// TestRefusedText lists what refuses a whole CSV.
func TestRefusedText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text   string
		part   string
		change func(*Options)
	}{
		"empty":             {"", "empty", nil},
		"workbook":          {"PK\x03\x04....", ".xlsx", nil},
		"UTF-16":            {"\xff\xfe\xe5\x5d", "UTF-16", nil},
		"binary":            {"工号,姓名\n1,\x00\n", "line 2 holds binary", nil},
		"cut in a letter":   {plainRoster + "0003,王五王五\xe6\x9d", "line 4 holds a broken UTF-8", nil},
		"BOM and GB":        {"\ufeff" + gb18030(t, plainRoster), "broken UTF-8", nil},
		"UTF-8 was told":    {gb18030(t, plainRoster), "broken UTF-8", func(o *Options) { o.Encoding = UTF8 }},
		"no encoding":       {gb18030(t, plainRoster) + "\xff\xff", "neither", nil},
		"no header":         {"\n\n", "no headings", nil},
		"header is blank":   {",,\n1,2,3\n", "no headings", func(o *Options) { o.HeaderRow = 1 }},
		"no heading known":  {",,\n1,2,3\n", "no column 工号 (id) in row 2", nil},
		"two header rows":   {plainRoster + "工号,姓名,手机,邮箱,部门,职位,直属上级,入职日期\n", "rows 1 and 4 can both", nil},
		"header row beyond": {plainRoster, "row 9", func(o *Options) { o.HeaderRow = 9 }},
		"too wide":          {"工号," + strings.Repeat("a,", maxColumns) + "z\n", "columns", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := connect(t, "/srv/roster.csv", newDisk(c.text), c.change).Read(t.Context())
			wantFault(t, err, fault.Invalid, c.part)
		})
	}
}

func TestUnnamedColumns(t *testing.T) {
	t.Parallel()
	s := readCSV(t, "工号,,姓名\n1,,a\n2,x,b\n", nil)
	wantProblem(t, s, "roster.csv row 3 column B", "no heading")
	if !s.Complete() || s.Len(directory.User) != 2 {
		t.Errorf("partial for %q", s.Health.PartialFor)
	}
}
