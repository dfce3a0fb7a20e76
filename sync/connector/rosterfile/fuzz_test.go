package rosterfile

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// sound holds what is true of any file: an error is a fault with a sentence, and
// a snapshot accounts for every row that holds something.
func sound(t *testing.T, path string, data []byte) {
	t.Helper()
	c := connect(t, path, newDisk(string(data)), nil)
	s, err := c.Read(t.Context())
	if err != nil {
		if kind := fault.KindOf(err); kind != fault.Invalid {
			t.Fatalf("kind %q: %v", kind, err)
		}
		bilingual(t, fault.Say(err))
		return
	}
	var tab *table
	if strings.HasSuffix(path, ".xlsx") {
		tab, err = c.xlsxTable(t.Context(), data)
	} else {
		tab, err = c.csvTable(t.Context(), data)
	}
	if err != nil {
		t.Fatal(err)
	}
	if s.Complete() && s.Len(directory.User) != tab.rows {
		t.Errorf("complete with %d users of %d rows", s.Len(directory.User), tab.rows)
	}
	for o := range s.All(directory.User) {
		for _, ref := range o.Attributes[directory.AttrDepartments].Refs() {
			if !s.Has(ref.Key) {
				t.Errorf("%s is in %s, which is no object", o.ID, ref)
			}
		}
		seen, err := c.Lookup(t.Context(), directory.User, []directory.ID{o.ID})
		if err != nil || seen[0].Presence != connector.Present || seen[0].Object.Digest() != o.Digest() {
			t.Fatalf("%q was read and is looked up as %+v, %v", o.ID, seen, err)
		}
	}
	for o := range s.All(directory.Department) {
		for _, ref := range o.Attributes[directory.AttrParent].Refs() {
			if !s.Has(ref.Key) {
				t.Errorf("%s is below %s, which is no object", o.ID, ref)
			}
		}
	}
}

func FuzzCSV(f *testing.F) {
	for _, s := range []string{
		plainRoster, "\ufeff" + plainRoster, "工号;部门\n1;/a/b；c>d\n", "工号\t姓名\n1\t\"a\nb\"\n1\tc\n", "工号,入职日期\n1,2020-01-02\n2,x\n",
		"工号,a\n\"1,a\n2,b\n", "\xb9\xa4\xba\xc5,a\n1,\xd5\xc5\n", "工号\r1\r2\r", "工号,上级\n1,2\n2,1\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) { sound(t, "roster.csv", data) })
}

// FuzzSheet varies the XML of a sheet inside a sound workbook.
func FuzzSheet(f *testing.F) {
	for _, s := range []string{
		`<x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c><x:c r="B2" t="str"><x:v>a</x:v></x:c></x:row></x:sheetData></x:worksheet>`,
		`<x:row><x:c t="inlineStr"><x:is><x:t>1</x:t></x:is></x:c></x:row></x:sheetData><x:mergeCell ref="A2:B3"/></x:worksheet>`,
		`<x:row r="3"><x:c r="A3" s="1" t="b"><x:v>1</x:v></x:c><x:c><x:f>A1</x:f></x:c></x:row></x:sheetData></x:worksheet>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sheet string) {
		sound(t, "roster.xlsx", []byte(handmade(t, sheetHead+sheet, nil)))
	})
}

func FuzzParseFormat(f *testing.F) {
	for _, s := range []string{"000000", `"E"0000`, `yyyy"年"m"月"d"日";@`, "[$-804]h:mm", "[h]:mm", `\E0`, "0.00%", `"`, `\`, "[", "_", "上午/下午h"} {
		f.Add(s, "46082.5")
	}
	f.Fuzz(func(t *testing.T, code, raw string) {
		one := numberCell(raw, parseFormat(code), false)
		if one.kind == cellDate {
			if _, ok := parseDate(one.text, nil); !ok {
				t.Errorf("%q in %q is the date %q, which cannot be read", raw, code, one.text)
			}
		}
		const sign = 3 // a byte that is no UTF-8 becomes a sign of three
		if len(one.text) > 400+sign*min(len(code), maxCode)+len(raw) {
			t.Errorf("%q in %q is %d bytes long", raw, code, len(one.text))
		}
	})
}
