package bot

import (
	"bytes"
	"context"
	"encoding/csv"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// mostTableRows is how long a table may be: platforms take files of some 30 MB,
	// and who looks through more than that looks through nothing.
	mostTableRows = 100_000
	cellRunes     = 2000
	// byteOrderMark makes spreadsheets read UTF-8.
	byteOrderMark = "\ufeff"
)

// showFile sends a plan as a table, to the person alone.
func (b *Bot) showFile(ctx context.Context, c caller, v view) (reply, error) {
	l := c.lang
	if !v.can.Files {
		return notice(Warn, l.say("No file can be sent here", "这里不能发送文件"),
			l.say("Page through it instead: %s", "请改为翻页查看：%s", look(l, v.r))), nil
	}
	t := table{v}
	n := t.length()
	if n > mostTableRows {
		return notice(Warn, l.say("The table is too long: %d lines, at most %d", "表格太长：%d 行，最多 %d 行", n, mostTableRows),
			l.say("Ask for a part of it: show %s delete --file", "请只要其中一部分：详情 %s 删除 --文件", v.r.Code)), nil
	}
	answer := notice(Info, l.say("Table of %s: %d lines", "%s 的表格：%d 行", v.r.Code, n),
		l.say("%s; fingerprint %s, which is in the last line too", "%s；指纹 %s，表格末行也有", l.counts(v.p.Counts()), v.r.Plan.Short()))
	answer.private, answer.file = true, &File{Name: string(v.r.Code) + ".csv", Run: v.r.Code, Kind: v.cmd.Kind}
	if !c.m.Direct && (!v.can.Direct || c.actor.Account == "") { // it cannot be handed over: nobody sees it
		return answer, nil
	}
	var seqs []int
	for _, ch := range t.picked() {
		seqs = append(seqs, ch.Seq)
	}
	return answer, b.sight(ctx, c, v, seqs)
}

// table gives the bytes of a file: the plan of a run as CSV, in UTF-8 with a byte
// order mark, one line for each attribute that a change writes, and one for each
// account that is disabled, deleted or adopted. Values are whole: it is for one
// person alone. The last line bears the plan's fingerprint. Faults: those of Get
// and Entries; NotFound without a plan; Invalid when it is too long.
func (b *Bot) table(ctx context.Context, f File, l Lang) ([]byte, error) {
	r, p, err := b.o.Service.Get(ctx, f.Run)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fault.New(fault.NotFound, "%s has no plan / %s 没有计划", f.Run, f.Run)
	}
	entries, err := b.o.Service.Entries(ctx, f.Run)
	if err != nil {
		return nil, err
	}
	v := view{l: l, r: r, p: p, cmd: Command{Kind: f.Kind}, entries: map[int]run.Entry{}, full: true}
	for _, e := range entries {
		v.entries[e.Seq] = e
	}
	t := table{v}
	if n := t.length(); n > mostTableRows {
		return nil, fault.New(fault.Invalid, "the table is too long: %d lines, at most %d / 表格太长：%d 行，最多 %d 行", n, mostTableRows, n, mostTableRows)
	}
	return t.bytes()
}

// table is a plan as a spreadsheet shows it.
type table struct{ view }

// withNotes tells whether what is left alone is listed: in the whole table, and
// when just that is asked for.
func (t table) withNotes() bool { return t.cmd.Kind == "" || t.cmd.Kind == "notes" }

// length counts the lines without the first and the last.
func (t table) length() int {
	n := 0
	for _, ch := range t.picked() {
		n += max(1, len(written(ch)))
	}
	if t.withNotes() {
		n += len(t.p.Notes)
	}
	return n
}

// written gives the attributes that a change writes, in order.
func written(ch *plan.Change) []string {
	if ch.Op != plan.Create && ch.Op != plan.Update {
		return nil
	}
	names := map[string]bool{}
	for _, side := range []directory.Attributes{ch.Before, ch.After} {
		for name := range side {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (t table) bytes() ([]byte, error) {
	var out bytes.Buffer
	out.WriteString(byteOrderMark)
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	l := t.l
	rows := [][]string{{
		"#", l.say("operation", "操作"), l.say("name", "姓名"), l.say("department", "部门"), l.say("employee number", "工号"), l.say("id", "标识"),
		l.say("attribute", "属性"), l.say("before", "之前"), l.say("after", "之后"), l.say("reason", "原因"), l.say("rule", "规则"), l.say("state", "状态"),
	}}
	for _, ch := range t.picked() {
		rows = append(rows, t.rows(ch)...)
	}
	if t.withNotes() {
		for i := range t.p.Notes {
			n := &t.p.Notes[i]
			say := l.of(n.Say)
			if n.Place != "" {
				say += l.say(" (", "（") + n.Place + l.say(")", "）")
			}
			rows = append(rows, []string{"", l.noteWord(n.Kind), n.Name, "", "", string(n.Key.ID), "", "", "", say, "", l.say("left alone", "没有处理")})
		}
	}
	rows = append(rows, []string{"", l.say("plan %s, fingerprint %s, SHA-256 %s", "计划 %s，指纹 %s，SHA-256 %s", t.r.Code, t.r.Plan.Short(), t.r.Plan), "", "", "", "", "", "", "", "", "", ""})
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
	}
	if err := w.WriteAll(rows); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "write table / 生成表格")
	}
	return out.Bytes(), nil
}

// rows gives the lines of one change.
func (t table) rows(ch *plan.Change) [][]string {
	l := t.l
	state := ""
	if e, there := t.entries[ch.Seq]; there {
		state = l.step(e.Step)
		if e.Say != "" {
			state += l.say(": ", "：") + l.of(e.Say)
		}
	}
	row := func(name, before, after string) []string {
		return []string{
			strconv.Itoa(ch.Seq), l.op(ch.Op), ch.Name, strings.TrimPrefix(ch.Where, "/"), employeeNo(ch), string(ch.Key.ID), name, before, after, l.of(ch.Reason), ch.Rule, state,
		}
	}
	var all [][]string
	for _, name := range written(ch) {
		all = append(all, row(name, t.in(ch.Before, name), t.in(ch.After, name)))
	}
	if len(all) == 0 {
		all = [][]string{row("", "", "")}
	}
	return all
}

// in gives one side of a change; a side that has no such attribute is blank.
func (t table) in(side directory.Attributes, name string) string {
	v, there := side[name]
	switch {
	case !there:
		return ""
	case v.Type() == directory.Unknown || v.IsEmpty() || v.Type() == directory.Bool:
		return t.l.whole(t.p, v)
	default:
		return t.p.Show(v)
	}
}

// employeeNo gives the whole employee number where the change knows it, or its end.
func employeeNo(ch *plan.Change) string {
	for _, side := range []directory.Attributes{ch.After, ch.Before} {
		if v, there := side[directory.AttrEmployeeNo]; there && v.Type() != directory.Unknown && !v.IsEmpty() {
			return v.String()
		}
	}
	if ch.Tail == "" {
		return ""
	}
	return "…" + strings.TrimPrefix(ch.Tail, "…")
}

// cell makes a text fit for a spreadsheet: one line, nothing that is not seen, and
// nothing that is taken for a formula.
func cell(s string) string {
	risky := directory.IsFormula(s)
	s = printable(s, cellRunes)
	if risky {
		return "'" + s
	}
	return s
}
