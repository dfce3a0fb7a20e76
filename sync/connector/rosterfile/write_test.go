package rosterfile

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func text(pairs ...string) directory.Attributes {
	out := directory.Attributes{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = directory.TextOf(pairs[i+1])
	}
	return out
}

func create(id string, after directory.Attributes) connector.Write {
	after["employee_no"] = directory.TextOf(id)
	return connector.Write{Op: plan.Create, Key: userKey(id), After: after, Token: "t-1"}
}

func update(id string, after directory.Attributes) connector.Write {
	return connector.Write{Op: plan.Update, Key: userKey(id), After: after, Token: "t-2"}
}

func disable(id string) connector.Write {
	return connector.Write{Op: plan.Disable, Key: userKey(id), Token: "t-3"}
}

func remove(id string) connector.Write {
	return connector.Write{Op: plan.Delete, Key: userKey(id), Token: "t-4"}
}

// TestCSVStaysAsItIs checks byte by byte what a change leaves alone: mark,
// encoding, line ends, delimiter, quotes, other rows, blank rows, notes above.
func TestCSVStaysAsItIs(t *testing.T) {
	t.Parallel()
	const base = "花名册,,,,\r\n\r\n\"工号\",姓名,手机,状态,\"备注\"\r\n" +
		"\"1\",\"张三\",138,,\"a,\"\"b\"\"\r\nc\"\r\n 2 ,李四,'+86,在职,x \r\n\r\n,,,,\r\n"
	for name, c := range map[string]struct {
		write      connector.Write
		from, to   string // what changes of base
		start, end string // what is put around base
	}{
		"update":         {write: update("1", text("mobile", "+8613900000000")), from: `"张三",138`, to: `"张三",'+8613900000000`},
		"quoted":         {write: update("1", text("name", "王")), from: `"张三"`, to: `"王"`},
		"clear":          {write: update("1", text("name", "")), from: `"张三"`, to: ``},
		"needs quotes":   {write: update("2", text("name", `a,"b"`)), from: `李四`, to: `"a,""b"""`},
		"disable":        {write: disable("2"), from: `在职`, to: `停用`},
		"disable others": {write: disable("1"), from: `138,,`, to: `138,停用,`},
		"enable":         {write: update("2", directory.Attributes{"active": directory.BoolOf(true)}), from: `在职`, to: `在职`},
		"delete":         {write: remove("2"), from: " 2 ,李四,'+86,在职,x \r\n", to: ""},
		"delete of many lines": {
			write: remove("1"), from: "\"1\",\"张三\",138,,\"a,\"\"b\"\"\r\nc\"\r\n", to: "",
		},
		"create":        {write: create("03", text("name", "=王", "状态", "在职")), from: "x \r\n", to: "x \r\n03,'=王,,在职,\r\n"},
		"byte order":    {write: disable("2"), from: `在职`, to: `停用`, start: "\ufeff"},
		"no end":        {write: create("3", text("name", "丙")), from: "", to: "\r\n3,丙,,,\r\n", end: "4,丁,,,"},
		"end stays":     {write: update("4", text("name", "戊")), from: "", to: "", end: "4,丁,,,"},
		"other blanks":  {write: update("2", text("name", "戊")), from: "李四", to: "戊"},
		"same again":    {write: update("2", text("mobile", "+86")), from: "", to: ""},
		"hidden value":  {write: update("2", directory.Attributes{"name": directory.Hidden("x")}), from: "", to: ""},
		"empty nothing": {write: update("2", text("邮箱", "")), from: "", to: ""},
	} {
		for _, gb := range []bool{false, true} {
			if gb && c.start != "" {
				continue
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				before := c.start + base + c.end
				want := c.start + strings.Replace(base, c.from, c.to, 1) + c.end
				switch name {
				case "no end":
					want = base + "4,丁,,," + c.to
				case "end stays":
					want = base + "4,戊,,,"
				}
				if gb {
					before, want = gb18030(t, before), gb18030(t, want)
				}
				s, conn := newShelf(t, "roster.csv", nil)
				s.put(before)
				apply(t, conn, c.write)
				if got := s.data(); got != want {
					t.Errorf("got\n%q\nwant\n%q", got, want)
				}
				info, err := os.Stat(s.path)
				if must(t, err); info.Mode().Perm() != 0o640 {
					t.Errorf("mode %v", info.Mode())
				}
				sameAsRead(t, s, conn)
			})
		}
	}
}

// sameAsRead checks that what the connector remembers after writing is what a new
// one reads.
func sameAsRead(t *testing.T, s *shelf, conn *Connector) {
	t.Helper()
	fresh, err := New(conn.o)
	must(t, err)
	snap := mustRead(t, fresh)
	for o := range snap.All(directory.User) {
		if seen := lookUp(t, conn, directory.User, string(o.ID)); seen.Presence != connector.Present || seen.Object.Digest() != o.Digest() {
			t.Errorf("%s is remembered as %+v, and read as %+v", o.ID, seen, o)
		}
	}
	if again := mustRead(t, conn); again.Digest() != snap.Digest() {
		t.Error("read again, it is not the same")
	}
}

// TestSheetStaysAsItIs checks that the rest of a workbook keeps its bytes, and
// that another program reads what was written.
func TestSheetStaysAsItIs(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.xlsx", func(o *Options) {
		o.Sheet, o.Disabled = "人员", "状态=停用/在职"
		o.Attributes = []Attribute{{Name: "hiredate", Column: "入职日期", Type: "date"}, {Name: "level", Column: "级别", Type: "int"}}
	})
	s.put(fancyBook(t))
	before := parts(t, s.data())
	apply(t, conn, create("007", directory.Attributes{
		"name": directory.TextOf("=cmd()"), "mobile": directory.TextOf("+8613800000001"), "部门": directory.TextOf("/总部/研发部"),
		"hiredate": directory.DateOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), "level": directory.IntOf(3),
		"manager": directory.RefsToKind(directory.User, "1"), "email": directory.TextOf("a<b>&\"c\"_x000D_@x"),
	}))
	apply(t, conn, update("2", text("name", "李 四")))
	apply(t, conn, disable("1"))
	apply(t, conn, remove("3"))
	after := parts(t, s.data())
	for name, raw := range before {
		if name != "xl/worksheets/sheet2.xml" && !bytes.Equal(raw, after[name]) {
			t.Errorf("%s changed", name)
		}
	}
	if len(before) != len(after) {
		t.Errorf("%d parts, then %d", len(before), len(after))
	}
	f, err := excelize.OpenFile(s.path)
	must(t, err)
	defer func() { _ = f.Close() }()
	for at, want := range map[string]string{
		"A2": "说明：不要改动", "A4": "1", "G4": "停用", "B5": "李 四", "A6": "", "B6": "", "A7": "007", "B7": "=cmd()", "C7": "+8613800000001", "D7": "/总部/研发部",
		"E7": "03-01-26", "F7": "3", "G7": "在职", "H7": "1", "I4": "9", "K3": "邮箱", "K7": "a<b>&\"c\"_x000D_@x", "J9": "底部",
	} {
		if got, err := f.GetCellValue("人员", at); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", at, got, err, want)
		}
	}
	if formula, err := f.GetCellFormula("人员", "B7"); err != nil || formula != "" {
		t.Errorf("a text became the formula %q %v", formula, err)
	}
	if got, err := f.GetCellStyle("人员", "E7"); err != nil || got == 0 {
		t.Errorf("the date has style %d %v", got, err)
	}
	if dimension, err := f.GetSheetDimension("人员"); err != nil || dimension != "A1:K7" {
		t.Errorf("dimension %s %v", dimension, err)
	}
	snap := mustRead(t, conn)
	if !snap.Complete() {
		t.Errorf("partial for %s", snap.Health.PartialFor)
	}
	wantAttrs(t, snap, "007", map[string]string{
		"mobile": "text:+8613800000001", "hiredate": "date:2026-03-01", "level": "int:3", "manager": "refs:user:1",
		"departments": "refs:department:/总部/研发部", "email": "text:a<b>&\"c\"_x000D_@x", "name": "text:=cmd()",
	})
	sameAsRead(t, s, conn)
	// The next one goes below the last row that holds somebody.
	apply(t, conn, remove("007"))
	apply(t, conn, create("8", text("name", "辛")))
	if all := s.sheetRowsOf("人员"); all[5][0] != "8" || all[4][0] != "2" {
		t.Errorf("rows %q", all)
	}
}

func (s *shelf) sheetRowsOf(sheet string) [][]string {
	s.t.Helper()
	f, err := excelize.OpenFile(s.path)
	must(s.t, err)
	defer func() { _ = f.Close() }()
	all, err := f.GetRows(sheet)
	must(s.t, err)
	return all
}

// fancyBook is a workbook with what people put into one.
func fancyBook(t testing.TB) string {
	return workbook(t, func(f *excelize.File) {
		must(t, f.SetCellValue("Sheet1", "A1", "别的表"))
		_, err := f.NewSheet("人员")
		must(t, err)
		must(t, f.SetCellValue("人员", "A2", "说明：不要改动"))
		must(t, f.SetSheetRow("人员", "A3", &[]any{"工号", "姓名", "手机", "部门", "入职日期", "级别", "状态", "直属上级", "合计"}))
		day := time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)
		must(t, f.SetSheetRow("人员", "A4", &[]any{"1", "张三", "138", "/总部", day, 1, "在职", "", nil}))
		must(t, f.SetSheetRow("人员", "A5", &[]any{"2", "李四", "139", "/总部", day, 2, "在职", "1"}))
		must(t, f.SetSheetRow("人员", "A6", &[]any{"3", "王五", "137", "/总部", day, 2, "在职", "1"}))
		must(t, f.SetCellValue("人员", "J9", "底部"))
		must(t, f.SetCellValue("人员", "I4", 9))
		bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"FFFF00"}}})
		must(t, err)
		must(t, f.SetCellStyle("人员", "A3", "I3", bold))
		must(t, f.AddComment("人员", excelize.Comment{Cell: "B4", Author: "x", Text: "记得"}))
		must(t, f.AddDataValidation("人员", &excelize.DataValidation{Type: "list", Sqref: "G4:G100", Formula1: `"在职,停用"`}))
		must(t, f.SetDefinedName(&excelize.DefinedName{Name: "名单", RefersTo: "人员!$A$3:$H$6"}))
		must(t, f.SetColWidth("人员", "A", "C", 22))
	})
}

// parts gives the packed bytes of every part.
func parts(t testing.TB, data string) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(strings.NewReader(data), int64(len(data)))
	must(t, err)
	out := map[string][]byte{}
	for _, f := range r.File {
		in, err := f.OpenRaw()
		must(t, err)
		raw, err := io.ReadAll(in)
		must(t, err)
		out[f.Name] = raw
	}
	return out
}

// TestNewFile checks that a target that is not there yet is empty, and is made by
// the first who comes.
func TestNewFile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"new.csv", "new.xlsx"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn := newShelf(t, name, func(o *Options) {
				o.Target, o.Disabled = true, "状态=停用/在职"
				o.Attributes = []Attribute{{Name: "部门"}, {Name: "hiredate", Column: "入职日期", Type: "date"}}
			})
			must(t, conn.Probe(t.Context()))
			if snap := mustRead(t, conn); snap.Len(directory.User) != 0 || !snap.Complete() {
				t.Errorf("%d users, %s", snap.Len(directory.User), snap.Health.PartialFor)
			}
			if seen := lookUp(t, conn, directory.User, "1"); seen.Presence != connector.Gone {
				t.Errorf("%+v", seen)
			}
			apply(t, conn, create("0001", directory.Attributes{
				"name": directory.TextOf("张三"), "mobile": directory.TextOf("+8613800000001"), "部门": directory.TextOf("/总部/研发部"),
				"hiredate": directory.DateOf(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), "email": directory.TextOf(""),
			}))
			apply(t, conn, create("0002", text("name", "李四", "email", "b@x")))
			want := [][]string{
				{"工号", "部门", "入职日期", "状态", "姓名", "手机", "邮箱"},
				{"0001", "/总部/研发部", "2026-03-01", "在职", "张三", "+8613800000001", ""},
				{"0002", "", "", "在职", "李四", "", "b@x"},
			}
			all := s.sheetRows()
			for i, record := range want {
				if got := strings.TrimRight(strings.Join(all[i], "|"), "|"); got != strings.TrimRight(strings.Join(record, "|"), "|") {
					t.Errorf("row %d is %s, want %v", i+1, got, record)
				}
			}
			if name == "new.csv" && !strings.HasPrefix(s.data(), "\ufeff工号,部门,入职日期,状态,姓名,手机,邮箱\r\n0001,") {
				t.Errorf("%q", s.data())
			}
			sameAsRead(t, s, conn)
			// Whoever takes the file away does not make everybody new.
			must(t, os.Remove(s.path))
			_, err := conn.Read(t.Context())
			wantFault(t, err, fault.Invalid, "not there")
			_, err = conn.Apply(t.Context(), create("0003", text("name", "王五")))
			wantFault(t, err, fault.Invalid, "not there")
		})
	}
}

func TestNewFileRefused(t *testing.T) {
	t.Parallel()
	_, conn := newShelf(t, "new.csv", nil)
	_, err := conn.Apply(t.Context(), create("1", text("name", "a")))
	wantFault(t, err, fault.Invalid, "not there") // it may be a source
	_, conn = newShelf(t, "new.csv", func(o *Options) { o.Target, o.Path = true, filepath.Join(o.Path, "none", "new.csv") })
	_, err = conn.Apply(t.Context(), create("1", text("name", "a")))
	wantFault(t, err, fault.Invalid, "folder")
	wantFault(t, conn.Probe(t.Context()), fault.Invalid, "folder")
	s, conn := newShelf(t, "new.csv", func(o *Options) { o.Target = true })
	s.onStep = func(at step) {
		if at == stepRename {
			s.put("工号\n9\n")
		}
	}
	_, err = conn.Apply(t.Context(), create("1", text("name", "a")))
	wantFault(t, err, fault.Unavailable, "appeared")
	if s.data() != "工号\n9\n" {
		t.Errorf("a file that came meanwhile is now %q", s.data())
	}
}

func TestRefusedWrites(t *testing.T) {
	t.Parallel()
	const base = "工号,姓名,手机,职位,职务,级别,状态,入职日期\n1,张三,138,a,b,1,,2020-01-02\nAb,李四,139,,,,,\n"
	attributes := func(o *Options) {
		o.Attributes = []Attribute{{Name: "级别", Type: "int"}, {Name: "入职日期", Type: "date"}}
	}
	for name, c := range map[string]struct {
		data  string
		write connector.Write
		kind  fault.Kind
		part  string
	}{
		"two columns mean it": {base, update("1", text("title", "x")), fault.Invalid, "职位 and 职务"},
		"no such column":      {base, update("1", text("城市", "x")), fault.Invalid, "no column 城市"},
		"another id":          {base, update("1", text("employee_no", "2")), fault.Invalid, "never changed"},
		"no id":               {base, connector.Write{Op: plan.Create, Key: userKey(""), After: text("name", "x")}, fault.Invalid, "needs its id"},
		"two ids":             {base, connector.Write{Op: plan.Create, Key: userKey("7"), After: text("employee_no", "8")}, fault.Invalid, "needs its id"},
		"the heading":         {base, create(" 工号", text()), fault.Invalid, "cannot be an id"},
		"a dash":              {base, create("--", text()), fault.Invalid, "cannot be an id"},
		"wide digits":         {base, create("１", text()), fault.Invalid, "cannot be an id"},
		"other case":          {base, create("aB", text("name", "x")), fault.Conflict, "row 3"},
		"update other case":   {base, update("aB", text("name", "x")), fault.NotFound, "row 3"},
		"no number":           {base, update("1", text("级别", "三")), fault.Invalid, "cannot hold “三”"},
		"no date":             {base, update("1", text("入职日期", "明天")), fault.Invalid, "none"},
		"outer blanks":        {base, update("1", text("name", "a ")), fault.Invalid, "read as “a”"},
		"lost digits":         {base, update("1", text("name", "1.38E+10")), fault.Invalid, "cannot hold"},
		"control":             {base, update("1", text("name", "a\x07")), fault.Invalid, "control character"},
		"two values":          {base, update("1", directory.Attributes{"姓名": directory.TextOf("a"), "name": directory.TextOf("b")}), fault.Invalid, "would have to hold both"},
		"clash":               {base + "1,x,,,,,,\n", update("1", text("name", "x")), fault.Invalid, "rows 2, 4"},
		"clash on create":     {base + "1,x,,,,,,\n", create("1", text("name", "x")), fault.Conflict, "already has"},
		"in a broken row":     {base + "2,x\n", update("3", text("name", "x")), fault.Invalid, "row 4: the row has fewer"},
		"create beside":       {base + "2,x\n", create("3", text("name", "x")), fault.Invalid, "row 4: the row has fewer"},
		"delete beside":       {base + "2,x\n", remove("3"), fault.Invalid, "row 4: the row has fewer"},
		"quotes":              {base + "2,\"x\n", update("1", text("name", "x")), fault.Invalid, "quotes in row 4"},
		"nobody":              {base, update("9", text("name", "x")), fault.NotFound, "nobody"},
		"a department":        {base, connector.Write{Op: plan.Create, Key: directory.Key{Kind: directory.Department, ID: "/a"}}, fault.Unsupported, "cannot"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, conn := newShelf(t, "roster.csv", attributes)
			s.put(c.data)
			_, err := conn.Apply(t.Context(), c.write)
			wantFault(t, err, c.kind, c.part)
			if s.data() != c.data {
				t.Errorf("the file is now %q", s.data())
			}
			if _, err := os.Stat(beside(s.path, tempSuffix)); !os.IsNotExist(err) {
				t.Errorf("the other file is still there: %v", err)
			}
		})
	}
}

func TestDisableUnset(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", func(o *Options) { o.Disabled = "" })
	s.put("工号,启用\n1,是\n")
	_, err := conn.Apply(t.Context(), disable("1"))
	wantFault(t, err, fault.Unsupported, "say with disabled")
	_, err = conn.Apply(t.Context(), update("1", directory.Attributes{"active": directory.BoolOf(false)}))
	wantFault(t, err, fault.Unsupported, "say with disabled")
}

// TestNeutral checks the way of every sign that a spreadsheet takes for a formula,
// there and back, and that a second run has nothing to do.
func TestNeutral(t *testing.T) {
	t.Parallel()
	values := []string{
		"=1+1", "+8613800000001", "-2", "@SUM(A1)", "\tx", "\rx", "'=x", "''+x", "'x", "'", "=", "+", `="007"`, "a=b", "=HYPERLINK(\"http://x\",\"y\")", "0", "007", "TRUE", "1e5",
	}
	for _, name := range []string{"roster.csv", "roster.xlsx"} {
		for _, v := range values {
			s, conn := newShelf(t, name, func(o *Options) { o.Disabled = "" })
			if name == "roster.csv" {
				s.put("工号,备注\n")
			} else {
				s.put(workbook(t, func(f *excelize.File) { rows(t, f, "Sheet1", []any{"工号", "备注"}) }))
			}
			key, err := conn.Apply(t.Context(), create("x1", text("备注", v)))
			if strings.TrimSpace(v) != v && name == "roster.xlsx" {
				wantFault(t, err, fault.Invalid, "read as “x”") // a text cell is no formula; its outer blanks are not kept
				continue
			}
			if must(t, err); key.ID != "x1" {
				t.Errorf("key %s", key)
			}
			snap := mustRead(t, conn)
			wantAttrs(t, snap, "x1", map[string]string{"备注": "text:" + v})
			if name == "roster.csv" && strings.ContainsAny(v[:1], "=+-@\t\r") && !strings.Contains(s.data(), "'"+v[:1]) {
				t.Errorf("%q is written as %q", v, s.data())
			}
			was := s.data()
			apply(t, conn, update("x1", text("备注", v)))
			if s.data() != was {
				t.Errorf("%q: the second run wrote again", v)
			}
			if cells, _ := s.find("x1"); cells["备注"] != v {
				t.Errorf("another program reads %q, want %q", cells["备注"], v)
			}
		}
	}
}

func TestGB18030Character(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", func(o *Options) { o.Encoding, o.Disabled = GB18030, "" })
	s.put(gb18030(t, "工号,姓名\n1,张三\n"))
	apply(t, conn, update("1", text("name", "𠮷野 é👍")))
	wantAttrs(t, mustRead(t, conn), "1", map[string]string{"name": "text:𠮷野 é👍"})
	_, err := conn.Apply(t.Context(), update("1", text("name", "张\ufffd")))
	wantFault(t, err, fault.Invalid, "U+FFFD")
	s, conn = newShelf(t, "roster.csv", func(o *Options) { o.ID, o.Disabled = "id", "" })
	s.put("id,x\n" + gb18030(t, "1,啊啊\n"))
	apply(t, conn, update("1", text("x", "plain")))
	if s.data() != "id,x\n1,plain\n" {
		t.Errorf("%q", s.data())
	}
}

// TestAddedColumn checks that a column that is missing is made at the end, in the
// headings' language.
func TestAddedColumn(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", func(o *Options) { o.ID, o.Disabled = "id", "" })
	s.put("id;name;\r\n1;a;\r\n\r\n2;b\r\n")
	apply(t, conn, update("1", text("mobile", "+1")))
	if want := "id;name;;mobile\r\n1;a;;'+1\r\n\r\n2;b;;\r\n"; s.data() != want {
		t.Errorf("%q, want %q", s.data(), want)
	}
	apply(t, conn, create("3", text("email", "c@x")))
	if !strings.HasSuffix(s.data(), "\r\n3;;;;3;c@x\r\n") {
		t.Errorf("%q", s.data())
	}
	sheet, conn := newShelf(t, "roster.xlsx", nil)
	sheet.put(workbook(t, func(f *excelize.File) {
		rows(t, f, "Sheet1", []any{"工号", "姓名", "状态"}, []any{"1", "a"})
		must(t, f.SetCellValue("Sheet1", "E7", "旁注"))
	}))
	apply(t, conn, update("1", text("mobile", "+1")))
	all := sheet.sheetRows()
	if all[0][5] != "手机" || all[1][5] != "+1" || all[6][4] != "旁注" {
		t.Errorf("%q", all)
	}
}

func TestConcurrentWrites(t *testing.T) {
	t.Parallel()
	s, conn := newShelf(t, "roster.csv", nil)
	s.put("工号,姓名,状态\n")
	other, err := New(conn.o) // as another process would
	must(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := conn
			if i%2 == 1 {
				c = other
			}
			for j := range 5 {
				id := letters(i) + string(rune('0'+j))
				for {
					_, err := c.Apply(t.Context(), create(id, text("name", id)))
					if err == nil {
						break
					}
					if fault.KindOf(err) != fault.Unavailable {
						t.Errorf("%s: %v", id, err)
						return
					}
				}
				if seen, err := c.Lookup(t.Context(), directory.User, []directory.ID{directory.ID(id)}); err != nil || seen[0].Presence != connector.Present {
					t.Errorf("%s: %v %v", id, seen, err)
				}
			}
		})
	}
	wg.Wait()
	if n := mustRead(t, conn).Len(directory.User); n != 40 {
		t.Errorf("%d users, want 40", n)
	}
}
