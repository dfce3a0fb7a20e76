package bot

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	personFlows = 5        // that one answer tells of
	personBytes = 20 << 10 // of that answer
	tableLines  = 40       // of one object's attributes
	fewValues   = 6        // attributes of a change that are told one by one
)

// profileCard tells all that is known of a person. It is for one reader alone:
// nothing in it is masked.
func (b *Bot) profileCard(l Lang, cmd Command, all []run.Profile) Card {
	flows := count(len(all), "flow", "flows")
	if l != EN {
		flows = strconv.Itoa(len(all)) + " 个流程"
	}
	card := Card{Title: l.say("Who is %s · %s", "查人 %s · %s", nameOf(cmd, all), flows), Tone: Info}
	var chapters []chapter
	for i := range all[:min(len(all), personFlows)] {
		chapters = append(chapters, chapter{Section: b.profile(l, &all[i])})
	}
	if more := len(all) - personFlows; more > 0 {
		chapters = append(chapters, chapter{Section: Section{Lines: []Line{text(l.say("… and %d more flows: add --flow=<flow>", "……另有 %d 个流程：请加上 --流程=<流程>", more))}}})
	}
	card.Foot = l.say("Only you see this; do not pass it on.", "仅你可见，请勿转发。")
	return l.bind(card, append(chapters, l.tables(all)...), personBytes)
}

// nameOf gives the name of whom profiles are about.
func nameOf(cmd Command, all []run.Profile) string {
	for i := range all {
		for _, h := range []run.Holding{all[i].Source, all[i].Target} {
			if h.Object.ID != "" {
				return label(h.Object.Name())
			}
		}
	}
	return label(cmd.Person)
}

// profile tells of a person in one flow.
func (b *Bot) profile(l Lang, p *run.Profile) Section {
	s := Section{Title: l.say("Flow %s", "流程 %s", label(p.Flow)), Bullet: true}
	add := func(name string, rest ...Span) { s.Lines = append(s.Lines, append(Line{strong(name)}, rest...)) }
	add(l.say("Source ", "来源 "), l.holding(p.Source)...)
	add(l.say("Target ", "目标 "), l.holding(p.Target)...)
	add(l.say("Link: ", "关联："), plain(b.link(l, p)))
	switch {
	case len(p.Keys) > 0:
		add(l.say("Fits now by: ", "现在对得上的匹配键："), plain(printable(l.list(p.Keys), sayRunes)))
	case p.Source.Object.ID != "" && p.Target.Object.ID != "":
		add(l.say("Fits now by: ", "现在对得上的匹配键："), plain(l.say("no match key", "没有")))
	}
	if !p.Disabled.IsZero() {
		add(l.say("Disabled by this flow: ", "由本流程停用："), plain(b.clock(p.Disabled)))
	}
	for i := range p.Pending {
		add(l.say("In an open plan: ", "在未结束的计划中："), b.pending(l, &p.Pending[i])...)
	}
	s.Lines = append(s.Lines, b.forecast(l, &p.Next)...)
	for i := range p.Last {
		add(l.say("Done: ", "做过的变更："), b.deed(l, &p.Last[i])...)
	}
	if len(p.Last) == 0 {
		add(l.say("Done: ", "做过的变更："), plain(l.say("nothing yet by this flow", "本流程还没有动过此人")))
	}
	return s
}

// holding says what one system has of a person.
func (l Lang) holding(h run.Holding) []Span {
	head := plain(l.with(label(h.System), h.Tenant) + l.say(": ", "："))
	spans := []Span{head}
	if h.Object.ID != "" {
		state := l.say("active", "可用")
		if !h.Object.Active {
			state = l.say("disabled", "已停用")
		}
		spans = append(spans, code(printable(string(h.Object.ID), sayRunes)), plain(" · "+state))
	}
	say := func(s string) {
		if len(spans) > 1 {
			s = " · " + s
		}
		spans = append(spans, plain(s))
	}
	switch {
	case h.Unsure != "":
		say(l.say("cannot be told", "无法确定") + l.say(" (", "（") + printable(l.of(h.Unsure), sayRunes) + l.say(")", "）"))
	case h.Gone:
		say(l.say("the system says that there is no such person any more", "系统回答：已没有这个人"))
	case h.Object.ID == "":
		say(l.say("nothing found", "没有找到账号"))
	}
	return spans
}

// link says how source and target belong together.
func (b *Bot) link(l Lang, p *run.Profile) string {
	var s string
	switch p.Origin {
	case "":
		if p.Target.Object.ID == "" && p.Target.Unsure == "" {
			return l.say("none", "没有")
		}
		return l.say("none; this flow never disables or deletes the account", "没有；本流程不会停用或删除这个账号")
	case "created":
		s = l.say("created by this flow", "由本流程新建")
	case "adopted":
		s = l.say("adopted by this flow", "由本流程认领")
	default:
		s = label(p.Origin)
	}
	if !p.Since.IsZero() {
		s += l.say(", since ", "，自 ") + b.clock(p.Since)
	}
	return s
}

// pending tells of a change in a plan that is not over, with the command that
// shows it.
func (b *Bot) pending(l Lang, p *run.Pending) []Span {
	look := Command{Verb: Show, Lang: l, Code: p.Run.Code, Item: p.Change.Seq, Page: 1, Typed: run.NotRestated()}
	state := l.state(p.Run.State)
	if p.Run.State == run.Awaiting {
		state = l.say("waits for a vote", "待批准") + l.say(" until ", "，有效期至 ") + b.clock(p.Run.Expires)
	}
	return []Span{plain(l.op(p.Change.Op) + l.why(&p.Change) + " · " + state + l.say(" · see: ", " · 请看：")), code(look.String())}
}

// why gives the reason of a change in brackets, and where a rule decided it.
func (l Lang) why(ch *plan.Change) string {
	s, at := printable(l.of(ch.Reason), sayRunes), fileLine(ch.Rule, placeRunes)
	rule := ""
	switch {
	case at != "":
		rule = l.say("rule %s", "规则脚本 %s", at)
	case ch.Cause.Kind == plan.CauseRule:
		rule = l.say("by the rule", "规则脚本决定")
	}
	switch {
	case s == "":
		s = rule
	case rule != "":
		s = rule + l.say(": ", "：") + s
	}
	if s == "" {
		return ""
	}
	return l.say(" (", "（") + s + l.say(")", "）")
}

// forecast says what the next run would do.
func (b *Bot) forecast(l Lang, f *run.Forecast) []Line {
	head := strong(l.say("Next run: ", "下次运行："))
	if f.Unsure != "" {
		return []Line{{head, plain(l.say("cannot be told", "无法判断") + l.say(" (", "（") + printable(l.of(f.Unsure), sayRunes) + l.say(")", "）"))}}
	}
	what := l.say("would change nothing", "不会有变更")
	if f.Change != nil {
		what = l.say("would ", "会") + l.op(f.Change.Op) + l.why(f.Change)
	}
	if !f.Source.IsZero() {
		what += l.say("; by the listing of ", "；依据清单 ") + b.clock(f.Source)
	}
	lines := []Line{{head, plain(what)}}
	if f.Change != nil && f.Change.Op == plan.Update {
		lines = append(lines, l.differences(f.Change.Before, f.Change.After, fewValues)...)
	}
	for i := range f.Notes[:min(len(f.Notes), notesShown)] {
		n := &f.Notes[i]
		head := l.say("Left alone", "不处理")
		if n.Kind != plan.Kept { // that it is kept is said already
			head = l.with(head, l.Note(n.Kind))
		}
		say := printable(l.of(n.Say), sayRunes)
		if n.Place != "" {
			say += l.say(" (", "（") + printable(n.Place, nameRunes) + l.say(")", "）")
		}
		lines = append(lines, Line{strong(head + l.say(": ", "：")), plain(say)})
	}
	return lines
}

// deed tells of a change that was made: when, what became of it, why, and who is
// answerable for it.
func (b *Bot) deed(l Lang, d *run.Deed) []Span {
	at := d.Entry.At
	if at.IsZero() {
		at = d.Run.Ended
	}
	what := " " + l.op(d.Change.Op) + " · " + b.clock(at) + " · " + l.step(d.Entry.Step)
	if d.Entry.Say != "" {
		what += l.say(": ", "：") + printable(l.of(d.Entry.Say), sayRunes)
	}
	if names := d.Change.After.Names(); d.Change.Op == plan.Update && len(names) > 0 {
		what += " · " + printable(l.list(names), sayRunes)
	}
	what += l.why(&d.Change)
	var who strings.Builder
	who.WriteString(l.say(" · asked by ", " · 发起 ") + l.who(d.Run.By))
	if d.Run.Behind != "" {
		who.WriteString(l.say(" (set by ", "（设定人 ") + label(d.Run.Behind) + l.say(")", "）"))
	}
	for _, v := range d.Votes {
		who.WriteString(l.voted(v))
	}
	if d.Run.Votes == 0 && len(d.Votes) == 0 {
		who.WriteString(l.say(" · needed no vote", " · 无需审批"))
	}
	return []Span{code(string(d.Run.Code)), plain(" #" + strconv.Itoa(d.Change.Seq) + what), plain(who.String())}
}

// voted says who voted and how, at the end of a line.
func (l Lang) voted(v run.Vote) string {
	s := l.say(" · approved by ", " · 批准 ")
	switch v.Decision {
	case run.Reject:
		s = l.say(" · rejected by ", " · 驳回 ")
	case run.BreakGlass:
		s = l.say(" · GLASS BROKEN by ", " · 紧急放行 ")
	case run.Approve:
	}
	s += l.who(v.By)
	if v.For != "" {
		s += l.say(" for ", " 代 ") + label(v.For)
	}
	return s
}

// tables shows the attributes of each object once, however many flows have it.
func (l Lang) tables(all []run.Profile) []chapter {
	var chapters []chapter
	shown := map[string]bool{}
	for i := range all[:min(len(all), personFlows)] {
		for _, h := range []run.Holding{all[i].Source, all[i].Target} {
			id := h.System + "\x00" + h.Tenant + "\x00" + h.Object.String()
			if h.Object.ID == "" || shown[id] {
				continue
			}
			shown[id] = true
			title := l.say("All of %s in %s", "%[2]s 里 %[1]s 的全部属性", printable(string(h.Object.ID), nameRunes), label(h.System))
			chapters = append(chapters, chapter{Section: Section{Title: title, Lines: l.table(h.Object.Attributes), Bullet: true, Folded: true}, most: tableLines})
		}
	}
	return chapters
}

// table shows attributes. What the platform hides is counted and not guessed.
func (l Lang) table(attrs directory.Attributes) []Line {
	var lines []Line
	var empty, permissions []string
	hidden := 0
	for _, name := range attrs.Names() {
		switch v := attrs[name]; {
		case v.Type() == directory.Unknown:
			hidden++
			if p := label(v.Permission()); p != "" && !slices.Contains(permissions, p) {
				permissions = append(permissions, p)
			}
		case v.IsEmpty():
			empty = append(empty, label(name))
		default:
			lines = append(lines, Line{code(label(name)), plain(" " + l.full(v))})
		}
	}
	if len(empty) > 0 {
		lines = append(lines, text(printable(l.say("Empty: ", "为空：")+l.list(empty), spanRunes)))
	}
	if hidden > 0 {
		lines = append(lines, text(printable(l.say("Not visible: %d (missing permission: %s)", "看不到的：%d 个（缺少权限：%s）", hidden, l.list(permissions)), spanRunes)))
	}
	if len(lines) == 0 {
		lines = []Line{text(l.say("No attribute.", "没有属性。"))}
	}
	return lines
}

// full gives a value whole, for a reader who may see it.
func (l Lang) full(v directory.Value) string {
	switch yes, is := v.Bool(); {
	case v.Type() == directory.Unknown:
		return l.say("(not visible: %s)", "（看不到：%s）", label(v.Permission()))
	case v.IsEmpty():
		return l.say("(empty)", "（空）")
	case is && yes:
		return l.say("true", "是")
	case is:
		return l.say("false", "否")
	}
	return printable(v.String(), sayRunes)
}

// differences tells what changed, attribute by attribute, at most a few.
func (l Lang) differences(before, after directory.Attributes, most int) []Line {
	names := maps.Clone(after)
	if names == nil {
		names = directory.Attributes{}
	}
	maps.Copy(names, before)
	var lines []Line
	for _, name := range names.Names() {
		was, is := before[name], after[name]
		if same(was, is) {
			continue
		}
		lines = append(lines, Line{code(label(name)), plain(" " + l.full(was) + " → " + l.full(is))})
	}
	if more := len(lines) - most; more > 0 {
		lines = append(lines[:most:most], text(l.say("… and %d more attributes", "……另有 %d 个属性", more)))
	}
	return lines
}

// same tells whether a value stayed as it was. What is hidden on both sides did:
// nothing can be seen of a change.
func same(x, y directory.Value) bool {
	return x.Equal(y) || x.Type() == directory.Unknown && y.Type() == directory.Unknown
}
