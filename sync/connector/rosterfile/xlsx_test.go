package rosterfile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// must fails the test for an error of a fixture.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// styled writes a value with a number format.
func styled(t testing.TB, f *excelize.File, at string, v any, format string) {
	t.Helper()
	id, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
	must(t, err)
	must(t, f.SetCellValue("Sheet1", at, v))
	must(t, f.SetCellStyle("Sheet1", at, at, id))
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	s := readXLSX(t, nil, func(f *excelize.File) {
		rows(t, f, "Sheet1",
			[]any{"工号", "姓名", "手机", "部门", "上级", "入职日期", "备注"},
			[]any{"0001", "张三", 13800000001, "/总部", nil, time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC), true},
			[]any{},
			[]any{2, " 李四 ", "13800000002", "/总部/研发部", "0001", "2021/3/4"},
			[]any{nil, nil, nil},
			[]any{"110101199003070001", nil, nil, "", 2, 44000, "第一行\n第二行"},
		)
		must(t, f.SetCellRichText("Sheet1", "B6", []excelize.RichTextRun{{Text: "王"}, {Text: "五", Font: &excelize.Font{Bold: true}}}))
	})
	wantComplete(t, s)
	if s.Len(directory.User) != 3 || s.Health.Departments != 2 || !strings.Contains(s.Health.Scope, "Sheet1") {
		t.Errorf("%d users, health %+v", s.Len(directory.User), s.Health)
	}
	wantAttrs(t, s, "0001", map[string]string{"name": "text:张三", "mobile": "text:13800000001", "入职日期": "date:2020-01-02", "备注": "text:TRUE"})
	wantAttrs(t, s, "2", map[string]string{"name": "text:李四", "manager": "refs:user:0001", "入职日期": "date:2021-03-04", "备注": "text:"})
	wantAttrs(t, s, "110101199003070001", map[string]string{
		"name": "text:王五", "manager": "refs:user:2", "入职日期": "date:2020-06-18", "备注": "text:第一行\n第二行",
	})
}

// TestFormats checks what number formats make of numbers.
func TestFormats(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		value  any
		format string
		want   string
	}{
		{7, "000000", "000007"},
		{7, `"E"0000`, "E0007"},
		{7, `\E0000`, "E0007"},
		{7, `0000"号"`, "0007号"},
		{7, "General", "7"},
		{7, "0", "7"},
		{1234567, "#,##0", "1234567"},
		{0.5, "0%", "50%"},
		{0.07, "0.00%", "7%"},
		{-7, "0000", "-7"},
		{1.5, "0.00", "1.5"},
		{0.1 + 0.2, "General", "0.3"},
		{13800000000.0, "0.00E+00", "13800000000"},
		{999999999999999.0, "0", "999999999999999"},
		{noon, "yyyy/m/d", "2026-03-01T12:30:00"},
		{noon, `yyyy"年"m"月"d"日"`, "2026-03-01T12:30:00"},
		{46082, "[$-804]yyyy/m/d;@", "2026-03-01"},
		{46082, "yyyy.mm.dd", "2026-03-01"},
		{46082, `[$-411]ggge"年"m"月"d"日"`, "2026-03-01"},
		{0.375, "h:mm", "09:00"},
		{0.3751157407407407, "上午/下午h:mm:ss", "09:00:10"},
		{1.5, "[h]:mm", "1.5"},
		{46082, "[Red]0", "46082"},
		{7, `0.0"d"`, "7"},
		{7, "@", "7"},
		{60, "yyyy-mm-dd", "60"},
		{46082, "dd-mmm-yy", "2026-03-01"},
	} {
		t.Run(fmt.Sprint(c.value, c.format), func(t *testing.T) {
			t.Parallel()
			s := readXLSX(t, nil, func(f *excelize.File) {
				rows(t, f, "Sheet1", []any{"工号", "x"}, []any{"1", nil}, []any{"2", "text"})
				styled(t, f, "B2", c.value, c.format)
			})
			wantComplete(t, s)
			wantAttrs(t, s, "1", map[string]string{"x": "text:" + c.want})
		})
	}
	for id, want := range map[int]bool{14: true, 22: true, 31: true, 57: true, 9: false, 1: false, 49: false, 45: true} {
		if builtinFormat(id).time != want {
			t.Errorf("built-in format %d: %v", id, !want)
		}
	}
}

func TestDate1904(t *testing.T) {
	t.Parallel()
	yes := true
	s := readXLSX(t, nil, func(f *excelize.File) {
		must(t, f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}))
		rows(t, f, "Sheet1", []any{"工号", "入职日期"}, []any{"1", nil}, []any{"2", 44620})
		styled(t, f, "B2", 44620, "yyyy-mm-dd")
	})
	wantComplete(t, s)
	wantAttrs(t, s, "1", map[string]string{"入职日期": "date:2026-03-01"})
	wantAttrs(t, s, "2", map[string]string{"入职日期": "date:2026-03-01"})
}

func TestUnreadableWorkbookCells(t *testing.T) {
	t.Parallel()
	s := readXLSX(t, nil, func(f *excelize.File) {
		rows(t, f, "Sheet1",
			[]any{"工号", "姓名", "手机", "身份证", "入职日期"},
			[]any{"1", "a", "138", 110101199003070001, "2020-01-02"},
			[]any{110101199003070001, "b", "138", "x", "2020-01-02"},
			[]any{"3", "c", nil, "110101199003070001", "2020-01-02"},
			[]any{"4", "d", "138", "x", "not a day"},
		)
		must(t, f.SetCellFormula("Sheet1", "C4", "A1&A2"))
		must(t, f.SetCellFormula("Sheet1", "B5", `"d"&1`, excelize.FormulaOpts{}))
	})
	wantProblem(t, s, "roster.xlsx row 2 column 身份证", "store it as text")
	wantProblem(t, s, "roster.xlsx row 3 column 工号", "store it as text")
	wantProblem(t, s, "roster.xlsx row 4 column 手机", "formula")
	wantProblem(t, s, "roster.xlsx row 5 column 入职日期", "not a date")
	if s.Complete() || s.Len(directory.User) != 3 {
		t.Errorf("%d users, partial for %q", s.Len(directory.User), s.Health.PartialFor)
	}
	wantAttrs(t, s, "1", map[string]string{"身份证": "unknown:?"})
	wantAttrs(t, s, "3", map[string]string{"身份证": "text:110101199003070001", "mobile": "unknown:?"})
}

func TestMergedHeader(t *testing.T) {
	t.Parallel()
	book := workbook(t, func(f *excelize.File) {
		rows(t, f, "Sheet1", []any{"花名册"}, []any{"工号", "姓名", ""})
		must(t, f.MergeCell("Sheet1", "A1", "C1"))
		must(t, f.MergeCell("Sheet1", "B2", "C2"))
	})
	_, err := connect(t, "roster.xlsx", newDisk(book), func(o *Options) { o.HeaderRow = 2 }).Read(t.Context())
	wantFault(t, err, fault.Invalid, "B2:C2 of sheet Sheet1")
}

// TestMergedCells checks that what a merged area covers is unknown, and that a
// row whose id is merged is left out.
func TestMergedCells(t *testing.T) {
	t.Parallel()
	c := connect(t, "roster.xlsx", newDisk(workbook(t, func(f *excelize.File) {
		rows(t, f, "Sheet1", []any{"花名册"}, []any{"工号", "姓名", "部门"},
			[]any{"1", "a", "/研发部"}, []any{"2", "b"}, []any{"3", "c", "/市场部"}, []any{"合计 3 人"})
		must(t, f.MergeCell("Sheet1", "A1", "C1"))
		must(t, f.MergeCell("Sheet1", "C3", "C4"))
		must(t, f.MergeCell("Sheet1", "A6", "C6"))
	})), func(o *Options) { o.HeaderRow = 2 })
	s := mustRead(t, c)
	wantProblem(t, s, "roster.xlsx row 3 column 部门", "C3:C4")
	wantProblem(t, s, "roster.xlsx row 6 column 工号", "merged")
	wantAttrs(t, s, "1", map[string]string{"departments": "refs:department:/研发部"})
	wantAttrs(t, s, "2", map[string]string{"departments": "unknown:?", "部门": "unknown:?"})
	wantAttrs(t, s, "3", map[string]string{"departments": "refs:department:/市场部"})
	if s.Complete() || s.Len(directory.User) != 3 {
		t.Errorf("%d users, partial for %q", s.Len(directory.User), s.Health.PartialFor)
	}
}

func TestSheets(t *testing.T) {
	t.Parallel()
	fill := func(f *excelize.File) {
		for i, name := range []string{"旧表", "花名册 2026", "说明"} {
			_, err := f.NewSheet(name)
			must(t, err)
			rows(t, f, name, []any{"工号"}, []any{fmt.Sprint("x", i)})
		}
		must(t, f.SetSheetVisible("旧表", false))
		f.SetActiveSheet(2)
		must(t, f.DeleteSheet("Sheet1"))
	}
	for sheet, want := range map[string]string{"": "x1", "花名册　2026": "x1", "旧表": "x0", "说明": "x2"} {
		s := readXLSX(t, func(o *Options) { o.Sheet = sheet }, fill)
		if !s.Has(directory.Key{Kind: directory.User, ID: directory.ID(want)}) {
			t.Errorf("sheet %q: not the right one", sheet)
		}
	}
	_, err := connect(t, "roster.xlsx", newDisk(workbook(t, fill)), func(o *Options) { o.Sheet = "员工" }).Read(t.Context())
	wantFault(t, err, fault.Invalid, "旧表 (hidden/隐藏), 花名册 2026, 说明")
}

// TestSameAsElsewhere compares the raw texts of a large sheet with those that a
// second implementation reads.
func TestSameAsElsewhere(t *testing.T) {
	t.Parallel()
	book := workbook(t, func(f *excelize.File) {
		rows(t, f, "Sheet1", []any{"工号", "a", "b"})
		for i := 2; i < 500; i++ {
			must(t, f.SetSheetRow("Sheet1", fmt.Sprint("A", i), &[]any{i, fmt.Sprint("<名&", i, ">"), float64(i) / 4}))
		}
	})
	s := mustRead(t, connect(t, "roster.xlsx", newDisk(book), nil))
	wantComplete(t, s)
	f, err := excelize.OpenReader(strings.NewReader(book))
	must(t, err)
	all, err := f.GetRows("Sheet1", excelize.Options{RawCellValue: true})
	must(t, err)
	for _, r := range all[1:] {
		wantAttrs(t, s, r[0], map[string]string{"a": "text:" + r[1], "b": "text:" + r[2]})
	}
	if s.Len(directory.User) != len(all)-1 {
		t.Errorf("%d users of %d rows", s.Len(directory.User), len(all)-1)
	}
}
