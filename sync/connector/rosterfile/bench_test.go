package rosterfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"github.com/rollcallhq/rollcall/sync/directory"
)

const benchRows = 100_000

func benchHeader() []string {
	return []string{"工号", "姓名", "手机", "邮箱", "部门", "职位", "直属上级", "入职日期", "状态", "城市", "级别", "备注"}
}

func benchRow(i int) []string {
	return []string{
		fmt.Sprintf("E%06d", i), fmt.Sprintf("员工%d", i), fmt.Sprintf("138%08d", i), fmt.Sprintf("e%06d@corp.example", i),
		fmt.Sprintf("/总部/事业部%d/小组%d", i%20, i%400), "工程师", fmt.Sprintf("E%06d", i/10), fmt.Sprintf("20%02d-%02d-%02d", i%20, 1+i%12, 1+i%28),
		"在职", "上海", fmt.Sprint(i % 10), "",
	}
}

func benchRead(b *testing.B, path, data string) {
	b.Helper()
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s, err := connect(b, path, newDisk(data), nil).Read(b.Context())
		if err != nil || !s.Complete() || s.Len(directory.User) != benchRows {
			b.Fatal(err)
		}
	}
}

func benchCSV() string {
	var text strings.Builder
	text.WriteString(strings.Join(benchHeader(), ",") + "\n")
	for i := range benchRows {
		text.WriteString(strings.Join(benchRow(i), ",") + "\n")
	}
	return text.String()
}

func BenchmarkCSV(b *testing.B) { benchRead(b, "roster.csv", benchCSV()) }

func BenchmarkXLSX(b *testing.B) {
	book := workbook(b, func(f *excelize.File) {
		w, err := f.NewStreamWriter("Sheet1")
		must(b, err)
		write := func(row int, cells []string) {
			values := make([]any, len(cells))
			for i, c := range cells {
				values[i] = c
			}
			must(b, w.SetRow(fmt.Sprint("A", row), values))
		}
		write(1, benchHeader())
		for i := range benchRows {
			write(i+2, benchRow(i))
		}
		must(b, w.Flush())
	})
	benchRead(b, "roster.xlsx", book)
}

// BenchmarkLookup is what one check before a deletion costs while the file stays
// as it is.
func BenchmarkLookup(b *testing.B) {
	c := connect(b, "roster.csv", newDisk(benchCSV()), nil)
	ids := []directory.ID{"E000007", "gone"}
	if _, err := c.Read(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Lookup(b.Context(), directory.User, ids); err != nil {
			b.Fatal(err)
		}
	}
}
