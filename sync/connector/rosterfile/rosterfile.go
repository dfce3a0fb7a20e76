// Package rosterfile is the connector for a roster in a file: one person a row,
// as CSV (UTF-8 or GB18030) or as XLSX. It is a source and a target.
//
// A roster is kept by people, so every doubt is told by row and column, and a
// doubt never makes somebody look gone: a broken row is left out and named, the
// other rows go on, and the snapshot then proves no absence.
//
// Workbooks are read from their raw cells and number formats by a reader of our
// own, as a stream: a general library's row iterator takes damaged XML for the
// end of the sheet, which here would read as people who have left, and it hands
// out neither types nor formats.
//
// Writing changes as little as it can: the bytes of other rows, other sheets and
// other columns stay, and a file is replaced in one step or not at all. Workbooks
// are written by an editor of our own for the same reason: a general library
// writes all parts anew, and loses those that it does not know.
//
// It is not for .xls, or for files behind a network protocol.
package rosterfile

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// What Options.Contents says of a file.
const (
	Full    = "full"    // everybody is in it: who is missing has left
	Partial = "partial" // some people are in it: it never proves that somebody left
)

// Values of Options.Encoding and Options.Delimiter.
const (
	Auto    = "auto"
	UTF8    = "utf-8"
	GB18030 = "gb18030" // covers GBK and GB2312
)

// Defaults of Options.
const (
	defaultHeaderRow = 1
	maxHeaderRow     = 100
	defaultSettle    = time.Second
	defaultTimeout   = 10 * time.Second
)

// Attribute declares one attribute of the people in the roster.
type Attribute struct {
	// Name is the attribute. The standard names keep their meaning: departments
	// and manager are references whatever Type says.
	Name string
	// Column is the heading in the file. Default: Name.
	Column string
	// Type is text (default), int, bool, date or list.
	Type string
	// Format is a layout of a date as Go writes it ("2006-01-02"), or the separator
	// of a list. Default: the usual forms are tried.
	Format string
}

// Options describe one roster file.
type Options struct {
	// System names the system in snapshots. Required.
	System string
	// Path is the file; its name ends in .csv or .xlsx. Required.
	Path string
	// Sheet is the sheet of a workbook. Default: the first one that is not hidden.
	Sheet string
	// ID is the heading of the column that identifies a person. A file without it
	// can only be read, and the only heading that can be meant is taken: 账号, 工号,
	// userid and the like.
	ID string
	// Contents is Full or Partial. Required.
	Contents string
	// Encoding of a CSV: Auto (default; valid UTF-8 wins), UTF8 or GB18030.
	Encoding string
	// Delimiter of a CSV: Auto (default), or one of "," ";" and tab.
	Delimiter string
	// HeaderRow is the row of the headings as a spreadsheet counts, 1 to 100.
	// Default 0: the only one among the first 30 that names the id column. Rows
	// above it are not read; when one of them looks like a person, the file is
	// refused.
	HeaderRow int
	// Attributes are the declared ones. Every other column is an attribute under
	// its own heading.
	Attributes []Attribute
	// Needs are attributes of people that must come from some column, since they are
	// relied on: a file without one of them is refused, as one that lost the column in an
	// export must not empty it for everybody.
	Needs []string
	// Disabled says how the disabled are marked: "状态=停用", or "状态=停用/在职" with what
	// stands there for others, else nothing does. Empty: nobody can be disabled, and
	// a usual heading such as 启用 tells who is.
	Disabled string
	// Root is the company's name, which is dropped where a department's path begins
	// with it.
	Root string
	// Target says that the file is written to and is never a source: it may be
	// missing, as may columns of Attributes, and is made by the first CREATE.
	Target bool
	// CallTimeout bounds one Apply. Default 10 s.
	CallTimeout time.Duration
	// Open opens the file for reading; its Stat tells size and time. An error that
	// is fs.ErrNotExist or fs.ErrPermission is told as such. Nil opens regular
	// files of this machine.
	Open func(ctx context.Context, path string) (fs.File, error)
	// Now is the clock. Required.
	Now func() time.Time
	// Sleep waits, or gives ctx's error when it ends first. Nil sleeps in real
	// time.
	Sleep func(ctx context.Context, d time.Duration) error
	// Settle is how long a file must have been left alone: one that was written
	// later than that is looked at again after as long, and must be the same then.
	// Default 1 s; below 0 it is looked at twice without a wait.
	Settle time.Duration
	// Zone is where a time that is written with an offset ("…T08:00:00Z") is
	// converted to. Dates without one are taken as they stand. Default UTC.
	Zone *time.Location
	// Logger takes counts and durations, nothing of any person. Nil discards it.
	Logger *slog.Logger
}

// validate reports everything that is wrong. Faults: Invalid.
func (o *Options) validate() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fault.New(fault.Invalid, "roster file: %s is missing or wrong / 花名册文件：%s 缺失或有误", name, name))
		}
	}
	need(o.System != "", "system")
	need(o.format() != "", "path (.csv, .xlsx)")
	need(o.ID == "" || headingKey(o.ID) != "", "id")
	need(!o.Target || o.ID != "", "id")
	if o.Disabled != "" {
		_, ok := parseMark(o.Disabled)
		need(ok, "disabled (状态=停用, 状态=停用/在职)")
	}
	need(o.Contents == Full || o.Contents == Partial, "contents (full, partial)")
	need(slices.Contains([]string{"", Auto, UTF8, GB18030}, o.Encoding), "encoding (auto, utf-8, gb18030)")
	need(slices.Contains([]string{"", Auto, ",", ";", "\t"}, o.Delimiter), "delimiter (auto, comma, semicolon, tab)")
	need(o.HeaderRow >= 0 && o.HeaderRow <= maxHeaderRow, "header_row (1–100)")
	need(o.Now != nil, "clock")
	seen := map[string]bool{}
	for _, a := range o.Attributes {
		need(a.Name != "" && !seen[a.Name], "attributes."+a.Name)
		seen[a.Name] = true
		typ, ok := typeOf(a.Type)
		need(ok, "attributes."+a.Name+".type (text, int, bool, date, list)")
		need(a.Format == "" || typ != directory.Date || goodLayout(a.Format), "attributes."+a.Name+".format (2006-01-02)")
	}
	return errors.Join(errs...)
}

const (
	formatCSV  = "csv"
	formatXLSX = "xlsx"
)

// format tells the kind of file by its name; "" for any other.
func (o *Options) format() string {
	switch strings.ToLower(filepath.Ext(o.Path)) {
	case ".csv":
		return formatCSV
	case ".xlsx":
		return formatXLSX
	default:
		return ""
	}
}

// typeOf gives the type that the configuration names.
func typeOf(name string) (directory.Type, bool) {
	switch name {
	case "", "text":
		return directory.Text, true
	case "int":
		return directory.Int, true
	case "bool":
		return directory.Bool, true
	case "date":
		return directory.Date, true
	case "list":
		return directory.List, true
	default:
		return directory.Absent, false
	}
}

// Connector reads and writes one roster file. It is safe for concurrent use. It
// keeps the last reading, and looks at the file's content each time before it uses
// it.
type Connector struct {
	o    Options
	name string // of the file, without folders: what people are shown
	info connector.Info

	turn chan struct{} // holds one token: whoever has it may use what follows
	kept *roster
	doc  *document        // the last content that was written to or about to be
	met  bool             // the file was there
	step func(step) error // called before each step of a replacement; for tests
}

var (
	_ connector.Target = (*Connector)(nil)
	_ connector.Prober = (*Connector)(nil)
)

// New checks the options and makes a connector. It does not look at the file.
// Faults: Invalid, naming every option that is wrong.
func New(o Options) (*Connector, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o.Attributes = slices.Clone(o.Attributes)
	for i := range o.Attributes {
		a := &o.Attributes[i]
		a.Column = cmp.Or(a.Column, a.Name)
	}
	o.CallTimeout = cmp.Or(o.CallTimeout, defaultTimeout)
	o.Settle = cmp.Or(o.Settle, defaultSettle)
	o.Zone = cmp.Or(o.Zone, time.UTC)
	if o.Open == nil {
		o.Open = openRegular
	}
	if o.Sleep == nil {
		o.Sleep = connector.RealSleep
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Connector{o: o, name: filepath.Base(o.Path), turn: make(chan struct{}, 1), step: func(step) error { return nil }}
	c.turn <- struct{}{}
	c.info = describe(&o, c.name)
	return c, nil
}
