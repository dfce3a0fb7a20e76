package rosterfile

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

var _ connector.Examiner = (*Connector)(nil)

// stale is how old the newest change of a source may be before that is said.
const stale = 35 * 24 * time.Hour

// sniffed is how much of a CSV is looked at for its encoding.
const sniffed = 1 << 20

// Examine looks at the file: found and readable, what it was taken for, the
// columns that the flows name, how it is encoded, how new it is, and, of a target,
// whether its folder takes a new file, by making an empty one and removing it.
func (c *Connector) Examine(ctx context.Context, use connector.Use) []connector.Finding {
	r, err := c.current(ctx)
	if err != nil {
		return []connector.Finding{c.badly(connector.Text{ZH: "读取文件", EN: "read the file"}, err)}
	}
	if r.absent {
		return append([]connector.Finding{{
			Capability: connector.Text{ZH: "读取文件", EN: "read the file"}, Level: connector.Works,
			Say: connector.Text{ZH: "文件还不存在，第一次新增时会建好", EN: "it is not there yet: the first CREATE makes it"},
		}}, c.writable(ctx)...)
	}
	seen := r.seen.Say()
	found := []connector.Finding{
		{Capability: connector.Text{ZH: "读取文件", EN: "read the file"}, Level: connector.Works, Say: c.age(ctx, use)},
		{Capability: connector.Text{ZH: "识别列", EN: "know the columns"}, Level: connector.Works, Say: seen},
	}
	for _, h := range r.hidden {
		found = append(found, connector.Finding{
			Capability: connector.Text{ZH: "识别列", EN: "know the columns"}, Level: connector.Refused,
			Say: connector.Text{ZH: fault.In(h, "zh-CN"), EN: fault.In(h, "en")},
			Do:  connector.Text{ZH: "在 systems 里这个系统的 attributes 下写明用哪一列", EN: "say which column is meant under the system's attributes"},
		})
	}
	if r.vague != "" {
		found = append(found, connector.Finding{
			Capability: connector.Text{ZH: "谁已停用", EN: "who is disabled"}, Level: connector.Hidden,
			Say: connector.Text{ZH: fault.In(r.vague, "zh-CN"), EN: fault.In(r.vague, "en")},
			Do:  connector.Text{ZH: "在 systems 里这个系统下写明 disabled", EN: "set disabled of the system under systems"},
		})
	}
	found = append(found, c.named(r, use)...)
	found = append(found, c.whole(r)...)
	return append(found, c.writable(ctx)...)
}

// badly is a finding of the file as a whole.
func (c *Connector) badly(what connector.Text, err error) connector.Finding {
	say := fault.Say(err)
	return connector.Finding{
		Capability: what, Level: connector.Refused, Say: connector.Text{ZH: fault.In(say, "zh-CN"), EN: fault.In(say, "en")},
		Do: connector.Text{ZH: "按提示修好 " + c.o.Path, EN: "mend " + c.o.Path + " as the sentence says"},
	}
}

// age tells the newest change and, of a CSV, its encoding.
func (c *Connector) age(ctx context.Context, use connector.Use) connector.Text {
	f, err := c.o.Open(ctx, c.o.Path)
	if err != nil {
		return connector.Text{}
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return connector.Text{}
	}
	when := info.ModTime().In(c.o.Zone).Format("2006-01-02 15:04")
	t := connector.Text{ZH: "最近修改 " + when, EN: "changed " + when}
	if days := int(c.o.Now().Sub(info.ModTime()) / (24 * time.Hour)); use.Source && c.o.Now().Sub(info.ModTime()) > stale {
		t.ZH += fmt.Sprintf("，已有 %d 天没有更新，请确认导出还在进行", days)
		t.EN += fmt.Sprintf(", %d days ago: is it still exported?", days)
	}
	if c.o.format() != formatCSV {
		return t
	}
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	if err != nil {
		return t
	}
	name := c.encodingOf(head)
	return connector.Text{ZH: t.ZH + "，编码 " + name, EN: t.EN + ", " + name}
}

// encodingOf names the encoding of a CSV by its beginning.
func (c *Connector) encodingOf(head []byte) string {
	if c.o.Encoding != "" && c.o.Encoding != Auto {
		return strings.ToUpper(c.o.Encoding)
	}
	for len(head) == sniffed && !utf8.Valid(head) && len(head) > sniffed-utf8.UTFMax { // a character may be cut off
		head = head[:len(head)-1]
	}
	if utf8.Valid(head) {
		return "UTF-8"
	}
	return "GB18030"
}

// named sees that the columns are there that the flows read.
func (c *Connector) named(r *roster, use connector.Use) []connector.Finding {
	what := connector.Text{ZH: "映射用到的列", EN: "columns of the mappings"}
	var missing []connector.Named
	n := 0
	for _, want := range use.Read {
		if want.Kind != directory.User || derived(want.Name) {
			continue
		}
		n++
		if _, there := r.declared[want.Name]; !there && !r.settles(want.Name) {
			missing = append(missing, want)
		}
	}
	switch {
	case n == 0 || !use.Source: // a target's columns are made when they are needed
		return nil
	case len(missing) == 0:
		return []connector.Finding{{Capability: what, Level: connector.Works, Say: connector.Text{ZH: fmt.Sprintf("%d 列都在", n), EN: fmt.Sprintf("all %d are there", n)}}}
	}
	names := make([]string, len(missing))
	for i, m := range missing {
		names[i] = m.Name
	}
	var have []string
	for _, col := range r.columns {
		have = append(have, col.Name)
	}
	return []connector.Finding{{
		Capability: what, Level: connector.Refused, Of: missing,
		Say: connector.Text{ZH: "文件里没有 " + strings.Join(names, "、"), EN: "the file has no " + strings.Join(names, ", ")},
		Do: connector.Text{
			ZH: "在 attributes 里用 column 指明列名，或改流程的映射；文件里的列：" + strings.Join(have, "、"),
			EN: "name the column under attributes, or change the flow's mapping; the file's columns: " + strings.Join(have, ", "),
		},
	}}
}

// settles tells whether the attribute is known to be ambiguous, which is said by
// itself.
func (r *roster) settles(name string) bool {
	return slices.ContainsFunc(r.hidden, func(h string) bool { return strings.Contains(h, " "+name+":") })
}

// derived are what is told of every person without a column of its own.
func derived(name string) bool {
	return slices.Contains([]string{directory.AttrActive, directory.AttrDepartmentPath, directory.AttrDepartmentPaths}, name)
}

// whole tells whether who is missing has left.
func (c *Connector) whole(r *roster) []connector.Finding {
	what := connector.Text{ZH: "可见全员", EN: "whole company visible"}
	s := r.snapshot
	size := connector.Text{
		ZH: fmt.Sprintf("%d 人，%d 个部门", s.Len(directory.User), s.Len(directory.Department)),
		EN: fmt.Sprintf("people %d, departments %d", s.Len(directory.User), s.Len(directory.Department)),
	}
	switch {
	case s.Complete():
		return []connector.Finding{{Capability: what, Level: connector.Works, Say: size}}
	case c.o.Contents == Partial:
		return []connector.Finding{{
			Capability: what, Level: connector.Works,
			Say: connector.Text{ZH: size.ZH + "；按配置只是一部分人，不在文件里不代表离职", EN: size.EN + "; a part as configured: nobody who is missing has left"},
		}}
	}
	say := s.Health.PartialFor
	return []connector.Finding{{
		Capability: what, Level: connector.Hidden, Say: connector.Text{ZH: size.ZH + "；" + fault.In(say, "zh-CN"), EN: size.EN + "; " + fault.In(say, "en")},
		Do: connector.Text{ZH: "修好有问题的行后重新导出；在那之前不会判定任何人离职", EN: "mend the broken rows and export again; until then nobody is taken for gone"},
	}}
}

// writable tries the folder of a target.
func (c *Connector) writable(ctx context.Context) []connector.Finding {
	if !c.o.Target {
		return nil
	}
	what := connector.Text{ZH: "写入文件", EN: "write the file"}
	if err := c.take(ctx); err != nil {
		return []connector.Finding{c.badly(what, err)}
	}
	defer c.give()
	if err := c.tryFolder(ctx); err != nil {
		return []connector.Finding{c.badly(what, err)}
	}
	return []connector.Finding{{Capability: what, Level: connector.Works}}
}
