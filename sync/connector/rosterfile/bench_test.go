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

// benchWrite measures one change in a file of 10,000 rows, on the disk, with a
// look before it as the engine takes one.
func benchWrite(b *testing.B, name string) {
	b.Helper()
	const people = 10_000
	s, conn := newShelf(b, name, func(o *Options) { o.Open = openRegular; o.Disabled = "" })
	if name == "roster.csv" {
		lines := strings.SplitAfterN(benchCSV(), "\n", people+2)
		s.put(strings.Join(lines[:people+1], ""))
	} else {
		s.put(workbook(b, func(f *excelize.File) {
			for i := range people + 1 {
				record := benchHeader()
				if i > 0 {
					record = benchRow(i - 1)
				}
				must(b, f.SetSheetRow("Sheet1", fmt.Sprint("A", i+1), &record))
			}
		}))
	}
	if _, err := conn.Read(b.Context()); err != nil {
		b.Fatal(err)
	}
	apply(b, conn, update("E000001", text("name", "first"))) // reads the file into lines
	i := 0
	for b.Loop() {
		i++
		id := fmt.Sprintf("E%06d", i%people)
		if _, err := conn.Lookup(b.Context(), directory.User, []directory.ID{directory.ID(id)}); err != nil {
			b.Fatal(err)
		}
		apply(b, conn, update(id, text("name", fmt.Sprint("name", i))))
	}
}

func BenchmarkWriteCSV(b *testing.B)  { benchWrite(b, "roster.csv") }
func BenchmarkWriteXLSX(b *testing.B) { benchWrite(b, "roster.xlsx") }
