package bot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"

	"github.com/mozillazg/go-pinyin"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// mostHints is how many suggestions one answer makes.
const mostHints = 3

// misread answers a line that is no command. Nothing is run, whatever it
// resembles.
func (b *Bot) misread(ctx context.Context, c caller, err error) (reply, error) {
	l := c.lang
	u, is := errors.AsType[*unread](err)
	if !is {
		return notice(Warn, l.sentence(err)), nil
	}
	if u.err.Kind == fault.Denied {
		return b.consent(ctx, c, l.sentence(u.err))
	}
	hints := b.hints(c, u)
	if len(hints) == 0 && u.at == 0 {
		waiting, err := b.waiting(ctx, c)
		if err != nil {
			return reply{}, err
		}
		if len(waiting) > 0 {
			return b.consent(ctx, c, l.say("This was not taken as an approval.", "这句话没有当作批准。"))
		}
	}
	lines := []string{l.say("Send “help” for the commands that you may use here.", "发“帮助”可以看到你在这里能用的命令。")}
	if len(hints) > 0 {
		lines = append([]string{l.say("Did you mean: %s ? (nothing was run; copy it and send it again)", "是不是：%s ？（不会自动执行，请复制后重发）", strings.Join(hints, l.say(" or ", " 或 ")))}, lines...)
	}
	return notice(Warn, l.sentence(u.err), lines...), nil
}

// consent refuses words that look like consent and gives the right form, without
// the counts: restating them is what proves that somebody looked.
func (b *Bot) consent(ctx context.Context, c caller, why string) (reply, error) {
	l := c.lang
	waiting, err := b.waiting(ctx, c)
	if err != nil {
		return reply{}, err
	}
	lines := make([]string, 0, 1+len(waiting))
	for _, r := range waiting[:min(len(waiting), mostHints)] {
		lines = append(lines, l.say("Waiting: %s (%s)", "等待中：%s（%s）", r.Code, r.Flow))
		f := b.flow(r.Flow)
		if permits(specOf(Approve), c.person, f) && c.here(specOf(Approve), f) {
			lines = append(lines, l.say("To approve: %s", "要批准请发：%s", form(l, r)))
		}
		if permits(specOf(Reject), c.person, f) && c.here(specOf(Reject), f) {
			lines = append(lines, l.say("To refuse: reject %s reason", "不同意请发：驳回 %s 原因", r.Code))
		}
	}
	if len(waiting) == 0 {
		lines = append(lines, l.say("Nothing waits for a vote here.", "这里没有等待批准的计划。"),
			l.say("Send “help” for the commands that you may use here.", "发“帮助”可以看到你在这里能用的命令。"))
	}
	return notice(Warn, why, lines...), nil
}

// form gives the shape of an approval: which counts must be restated, but not
// what they are.
func form(l Lang, r run.Run) string {
	s := l.say("approve ", "批准 ") + string(r.Code)
	count := l.say("<count>", "〈人数〉")
	if r.Counts.Delete > 0 {
		s += l.say(" delete=", " 删除=") + count
	}
	if r.Counts.Disable > 0 {
		s += l.say(" disable=", " 停用=") + count
	}
	if r.Counts.Destructive() == 0 {
		s += l.say(" total=<count>", " 总数=〈项数〉")
	}
	return s
}

// waiting gives the runs that wait for a vote and that the caller may see here.
func (b *Bot) waiting(ctx context.Context, c caller) ([]run.Run, error) {
	if len(b.visible(c)) == 0 {
		return nil, nil
	}
	return b.runs(ctx, c, run.Filter{States: []run.State{run.Awaiting}})
}

// runs gives the runs of a filter that the caller may see here.
func (b *Bot) runs(ctx context.Context, c caller, f run.Filter) ([]run.Run, error) {
	all, err := b.o.Service.List(ctx, f)
	return slices.DeleteFunc(all, func(r run.Run) bool { _, ok := b.seen(c, r.Flow); return !ok }), err
}

// hint is a line that may have been meant.
type hint struct {
	line     string
	distance int
}

// hints gives the nearest lines of commands and flows that the caller may use
// here.
func (b *Bot) hints(c caller, u *unread) []string {
	word, rest := fold(u.words[u.at]), u.words[u.at+1:]
	var all, unfit []hint
	for _, s := range b.offered(c) {
		near, ok := nearest(word, s.words())
		if !ok {
			continue
		}
		line := s.name(c.lang)
		if u.at > 0 {
			line = specOf(Help).name(c.lang) + " " + line
		} else {
			line = strings.TrimSpace(line + " " + b.completed(c, s, rest))
		}
		if _, err := Parse(line); err != nil { // what was typed behind it does not go with this command
			unfit = append(unfit, hint{s.usage(c.lang), near})
			continue
		}
		all = append(all, hint{line, near})
	}
	if len(all) == 0 {
		all = unfit
	}
	if u.at == 0 && len(all) == 0 {
		all = b.bareHints(c, u.words[0])
	}
	slices.SortStableFunc(all, func(x, y hint) int { return cmp.Compare(x.distance, y.distance) })
	lines := make([]string, 0, mostHints)
	for _, h := range all[:min(len(all), mostHints)] {
		lines = append(lines, h.line)
	}
	return lines
}

// bareHints helps somebody who sent a flow or a code alone.
func (b *Bot) bareHints(c caller, word string) []hint {
	var all []hint
	if code, err := run.ParseCode(word); err == nil && run.LooksLikeCode(word) {
		for _, v := range []Verb{Status, Show} {
			all = append(all, hint{specOf(v).name(c.lang) + " " + string(code), 0})
		}
		return all
	}
	if f, ok := b.seen(c, word); ok {
		for _, v := range []Verb{Plan, Status, History} {
			if slices.Contains(b.usable(c, specOf(v)), f) {
				all = append(all, hint{specOf(v).name(c.lang) + " " + f.Name, 0})
			}
		}
	}
	return all
}

// completed gives what may follow a suggested verb: the words as typed, with a
// flow that the caller may use instead of one that is nearly it.
func (b *Bot) completed(c caller, s spec, rest []string) string {
	words := make([]string, 0, len(rest))
	for _, w := range rest {
		words = append(words, quoted(w))
	}
	if !s.arg.named() {
		return strings.Join(words, " ")
	}
	flow := c.lang.say("<flow>", "<流程>")
	switch flows := b.usable(c, s); {
	case len(rest) == 0 && !s.arg.needsFlow():
		return ""
	case len(rest) == 0 && len(flows) == 1:
		flow = flows[0].Name
	case len(rest) == 0:
	case s.arg == argAll && slices.Contains([]string{"all", "全部", "所有"}, fold(rest[0])):
		flow = rest[0]
	default:
		if names := b.nearFlows(c, s, rest[0]); len(names) > 0 {
			flow = names[0]
		}
	}
	return strings.Join(append([]string{flow}, words[min(1, len(words)):]...), " ")
}

// named tells whether the first word behind the verb is a flow.
func (a argument) named() bool { return a.needsFlow() || a == argMaybe || a == argWhen }

// needsFlow tells whether it must be there.
func (a argument) needsFlow() bool { return a == argFlow || a == argAll || a == argFlowPerson }

// nearFlows gives the flows that the caller may use with a command and whose
// names are near a word, the nearest first.
func (b *Bot) nearFlows(c caller, s spec, word string) []string {
	type near struct {
		name     string
		distance int
	}
	var all []near
	for _, f := range b.usable(c, s) {
		if d, ok := nearest(fold(word), []string{fold(f.Name)}); ok {
			all = append(all, near{f.Name, d})
		}
	}
	slices.SortStableFunc(all, func(x, y near) int { return cmp.Compare(x.distance, y.distance) })
	names := make([]string, 0, mostHints)
	for _, n := range all[:min(len(all), mostHints)] {
		names = append(names, n.name)
	}
	return names
}

// nearest gives the distance of a word to the nearest of some, if any is near
// enough.
func nearest(word string, to []string) (int, bool) {
	best, found := 0, false
	for _, w := range to {
		d := distance([]rune(word), []rune(w))
		if d > reach(w) && !sameSound(word, w) {
			continue
		}
		if d = min(d, reach(w)); !found || d < best {
			best, found = d, true
		}
	}
	return best, found
}

// reach is how many slips a word may be away: one for Chinese, more for longer
// words in letters.
func reach(word string) int {
	runes := []rune(word)
	switch {
	case slices.ContainsFunc(runes, func(r rune) bool { return unicode.Is(unicode.Han, r) }):
		return 1
	case len(runes) <= 4:
		return 1
	case len(runes) <= 8:
		return 2
	default:
		return 3
	}
}

// sameSound tells whether two Chinese words are typed with the same keys.
func sameSound(a, b string) bool {
	args := pinyin.NewArgs()
	x, y := pinyin.LazyPinyin(a, args), pinyin.LazyPinyin(b, args)
	return len(x) > 0 && len(x) == len([]rune(a)) && len(y) == len([]rune(b)) && slices.Equal(x, y)
}

// distance counts the slips between two words: a letter too much, too little,
// another one, or two neighbours in the wrong order.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// noFlow says that the caller sees no such flow, and which are near.
func (b *Bot) noFlow(c caller, s spec, typed string) reply {
	l := c.lang
	title := l.say("There is no flow “%s”; nothing was run", "没有流程“%s”，没有执行", typed)
	if _, err := run.ParseCode(typed); err != nil && run.LooksLikeCode(typed) && s.arg == argCodeAny {
		return notice(Warn, l.sentence(err))
	}
	var lines []string
	if near := b.nearFlows(c, s, typed); len(near) > 0 {
		for i := range near {
			near[i] = s.name(l) + " " + near[i]
		}
		lines = append(lines, l.say("Did you mean: %s ? (copy it and send it again)", "是不是：%s ？（请复制后重发）", strings.Join(near, l.say(" or ", " 或 "))))
	}
	if flows := b.usable(c, s); len(flows) > 0 {
		names := make([]string, 0, len(flows))
		for _, f := range flows[:min(len(flows), 10)] {
			names = append(names, f.Name)
		}
		lines = append(lines, l.say("Flows that you can use here: %s", "你在这里能用的流程：%s", l.list(names)))
	}
	return notice(Warn, title, lines...)
}
