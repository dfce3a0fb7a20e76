package bot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

const (
	// examineTime is how long the doctor may take: the person's next message waits
	// meanwhile.
	examineTime = 20 * time.Second
	// examineLines is how many findings of one level are told.
	examineLines = 24
	examineBytes = 12 << 10
	// fineRunes is how much is told of one thing that is well: a system has a dozen
	// capabilities.
	fineRunes = 320
)

// examine asks the doctor, and tells what was found, the worst first.
func (b *Bot) examine(ctx context.Context, c caller, cmd Command) (reply, error) {
	l, s := c.lang, specOf(Examine)
	if len(b.usable(c, s)) == 0 {
		return b.lacks(c, s, nil), nil
	}
	of, ok := b.patient(c, cmd.Flow)
	switch f, isFlow := b.seen(c, cmd.Flow); {
	case isFlow && !permits(s, c.person, f):
		return b.lacks(c, s, f), nil
	case !ok:
		return b.noPatient(c, cmd.Flow), nil
	case b.o.Doctor == nil:
		return notice(Warn, l.say("There is no check-up in this installation", "这个部署没有启用体检"),
			l.say("Run “rollcall doctor” on the host.", "请在主机上运行 rollcall doctor。")), nil
	}
	whole := len(b.usable(c, s)) == len(b.o.Flows)
	if cmd.Deep && of == "" && !whole {
		return notice(Warn, l.say("Say what to look at deeply", "请写明要深入检查什么"),
			l.say("It reads whole systems and lets robots speak; here you see a part of them only.", "深入检查会完整读取系统、让群机器人发言，而本群只能看到其中一部分。"),
			l.deeper(b.usable(c, s)[0].Name)), nil
	}
	timed, cancel := context.WithTimeout(ctx, examineTime)
	defer cancel()
	checks, err := b.o.Doctor.Examine(timed, of, cmd.Deep)
	if ctx.Err() != nil {
		return reply{}, ctx.Err()
	}
	checks = slices.DeleteFunc(slices.Clone(checks), func(x Check) bool { return b.concealed(c, x.About) })
	if err != nil { // it is not tried again: that would keep the next messages waiting
		b.o.Logger.WarnContext(ctx, "doctor does not finish", "err", err)
	}
	card := l.checkCard(of, cmd.Deep, checks, err)
	if !cmd.Deep && of == "" && !whole {
		card.Foot = l.deeper(b.usable(c, s)[0].Name)
	}
	return reply{card: card}, nil
}

// patient gives what is to be examined, by the name that the doctor knows: a
// flow that the caller may examine here, or a system of one. "" = everything.
func (b *Bot) patient(c caller, typed string) (string, bool) {
	if typed == "" {
		return "", true
	}
	for _, f := range b.usable(c, specOf(Examine)) {
		for _, name := range []string{f.Name, f.From, f.To} {
			if fold(name) == fold(typed) {
				return name, true
			}
		}
	}
	return "", false
}

// concealed tells whether a finding is about a flow that the caller does not
// see, or about a system of such flows alone.
func (b *Bot) concealed(c caller, about string) bool {
	hidden := false
	for i := range b.o.Flows {
		f := &b.o.Flows[i]
		if !slices.Contains([]string{fold(f.Name), fold(f.From), fold(f.To)}, fold(about)) {
			continue
		}
		if c.sees(f) {
			return false
		}
		hidden = true
	}
	return hidden
}

// noPatient says what can be examined here.
func (b *Bot) noPatient(c caller, typed string) reply {
	l := c.lang
	var names []string
	for _, f := range b.usable(c, specOf(Examine)) {
		for _, name := range []string{f.Name, f.From, f.To} {
			if !slices.Contains(names, label(name)) {
				names = append(names, label(name))
			}
		}
	}
	return notice(Warn, l.say("There is no flow or system “%s” here", "这里没有流程或系统“%s”", label(typed)),
		l.say("You can examine: %s", "可以体检的：%s", l.list(names[:min(len(names), mostRuns)])))
}

// checkCard draws the findings.
func (l Lang) checkCard(of string, deep bool, checks []Check, err error) Card {
	rank := map[Level]int{Broken: 0, Advice: 1, Fine: 2}
	slices.SortStableFunc(checks, func(x, y Check) int { return cmp.Compare(rank[x.Level], rank[y.Level]) })
	by := map[Level][]Check{}
	for _, x := range checks {
		if _, known := rank[x.Level]; !known {
			x.Level = Advice
		}
		by[x.Level] = append(by[x.Level], x)
	}
	card := Card{Title: l.checkTitle(of, by), Tone: Good}
	switch {
	case len(by[Broken]) > 0:
		card.Tone = Danger
	case len(by[Advice]) > 0 || err != nil || len(checks) == 0:
		card.Tone = Warn
	}
	var chapters []chapter
	if err != nil {
		chapters = append(chapters, chapter{Section: Section{Lines: []Line{{strong(l.unfinished(err))}}}})
	}
	for _, part := range []struct {
		level Level
		title string
	}{{Broken, l.say("Broken", "有问题")}, {Advice, l.say("Worth a look", "建议处理")}} {
		if all := by[part.level]; len(all) > 0 {
			chapters = append(chapters, chapter{most: examineLines, Section: Section{Title: pair(part.title, len(all)), Lines: l.checkLines(all), Bullet: true}})
		}
	}
	if fine := by[Fine]; len(fine) > 0 {
		chapters = append(chapters, chapter{Section: Section{Title: pair(l.say("Well", "正常"), len(fine)), Lines: l.fineLines(fine), Bullet: true, Folded: true}})
	}
	if len(checks) == 0 && err == nil {
		chapters = append(chapters, chapter{Section: Section{Lines: []Line{text(l.say("Nothing could be checked.", "没有可以检查的内容。"))}}})
	}
	if !deep {
		card.Foot = l.deeper(of)
	}
	return l.bind(card, chapters, examineBytes)
}

// deeper names the command for a deep look.
func (l Lang) deeper(of string) string {
	cmd := strings.TrimSpace(specOf(Examine).name(l) + " " + quoted(of))
	return l.say("A deeper look, which costs quota: %s --deep", "更深入的检查（会消耗接口配额）：%s --深", cmd)
}

func (l Lang) checkTitle(of string, by map[Level][]Check) string {
	var title strings.Builder
	title.WriteString(l.say("Check-up", "体检"))
	if of != "" {
		title.WriteString(" " + label(of))
	}
	for _, part := range []struct {
		level Level
		word  string
	}{{Broken, l.say("broken", "有问题")}, {Advice, l.say("to look at", "建议处理")}, {Fine, l.say("well", "正常")}} {
		if n := len(by[part.level]); n > 0 {
			title.WriteString(" · " + pair(part.word, n))
		}
	}
	return title.String()
}

// unfinished says that the doctor did not look at everything.
func (l Lang) unfinished(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return l.say("Not everything was checked within %d seconds.", "%d 秒内没有检查完，下面是已经检查的。", int(examineTime/time.Second))
	}
	return l.say("Not everything was checked: ", "没有全部检查完：") + printable(masked(l.sentence(err)), sayRunes)
}

// checkLines tells what was found, and below it what to click where.
func (l Lang) checkLines(all []Check) []Line {
	var lines []Line
	for _, x := range all {
		line := Line{strong(label(x.About)), plain(l.say(": ", "：") + printable(masked(x.Told(l)), sayRunes))}
		if fix := x.Fix.in(l); fix != "" {
			line = append(line, plain(" → "+printable(masked(fix), sayRunes)))
		}
		lines = append(lines, line)
	}
	return lines
}

// Told gives what was found, and of which part.
func (x *Check) Told(l Lang) string {
	part, say := x.Part.in(l), x.Say.in(l)
	if part == "" || say == "" {
		return part + say
	}
	return part + l.say(": ", "：") + say
}

// Summary tells what is well about one thing in one line: the parts that there is
// no more to say of by their names, then the others.
func Summary(all []Check, l Lang) string {
	var named, told []string
	for i := range all {
		if all[i].Say.in(l) == "" {
			named = append(named, all[i].Part.in(l))
		} else {
			told = append(told, all[i].Told(l))
		}
	}
	if len(named) > 0 {
		told = append([]string{l.list(named)}, told...)
	}
	return strings.Join(told, l.say("; ", "；"))
}

// fineLines tells what is well, a line for each thing.
func (l Lang) fineLines(all []Check) []Line {
	var names []string
	said := map[string][]Check{}
	for _, x := range all {
		name := label(x.About)
		if said[name] == nil {
			names = append(names, name)
		}
		said[name] = append(said[name], x)
	}
	lines := make([]Line, 0, len(names))
	for _, name := range names {
		lines = append(lines, Line{strong(name), plain(l.say(": ", "：") + printable(masked(Summary(said[name], l)), fineRunes))})
	}
	return lines
}
