package bot

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// parser reads the words behind a verb.
type parser struct {
	spec   spec
	c      Command
	target string // flow or code
	now    bool
	given  map[string]bool // options so far
	person []string
	when   []string
	span   []string
	reason []string
}

// word takes the first of the words, and the next when they are the value of an
// option; it tells how many it took.
func (p *parser) word(words []string) (int, error) {
	word := words[0]
	if p.spec.rest && p.target != "" && !p.optional(words) {
		if word != "" {
			p.reason = append(p.reason, word)
		}
		return 1, nil
	}
	if all := listed(word); len(all) > 1 && len(p.spec.options) > 0 {
		return 1, p.list(word, all)
	}
	if name, value, used, is := option(words); is {
		return used, p.option(name, value)
	}
	if name, bare := bareFlags()[word]; bare && slices.Contains(p.spec.options, name) {
		return 1, p.option(word, "")
	}
	return 1, p.argument(word)
}

// optional tells whether a word where a reason may stand is an option all the
// same: one that the command knows, or one with dashes that it does not, which is
// then refused and not taken for words of a reason.
func (p *parser) optional(words []string) bool {
	name, _, _, is := option(words)
	switch {
	case !is:
		return false
	case slices.Contains(p.spec.options, optionNames()[name]):
		return true
	default:
		return strings.HasPrefix(words[0], "--") && (len(p.reason) == 0 || len(p.spec.options) > 0)
	}
}

// list takes several options that stand in one word. What is no option belongs
// to the one before it: 仅=研发部、销售部.
func (p *parser) list(word string, all []string) error {
	var joined []string
	for _, one := range all {
		if _, _, _, is := option([]string{one}); is {
			joined = append(joined, one)
		} else {
			joined[len(joined)-1] += "," + one
		}
	}
	if len(joined) == 1 {
		joined[0] = word // one value that holds such marks itself
	}
	for _, one := range joined {
		name, value, _, _ := option([]string{one})
		if err := p.option(name, value); err != nil {
			return err
		}
	}
	return nil
}

// listed splits "删除=3,停用=2", which begins with an option.
func listed(word string) []string {
	all := split(word)
	if len(all) == 0 || !strings.ContainsAny(all[0], "=:") {
		return nil
	}
	if _, _, _, is := option(all[:1]); !is {
		return nil
	}
	return all
}

// split takes the items of a list apart.
func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '、' })
}

// argument takes a word that is no option.
func (p *parser) argument(word string) error {
	switch p.spec.arg {
	case argNone:
		return p.unexpected(word)
	case argVerb:
		return p.topic(word)
	case argNow:
		return p.moment(word)
	case argWhen:
		if p.target == "" {
			return p.aim(word)
		}
		p.when = append(p.when, word)
	case argFlowPerson:
		if p.target == "" {
			return p.aim(word)
		}
		return p.somebody(word)
	case argPerson:
		return p.somebody(word)
	case argSpan:
		p.span = append(p.span, word)
	case argTongue:
		return p.tongue(word)
	default:
		return p.aim(word)
	}
	return nil
}

// moment takes a word of a digest: now and a flow, or a time.
func (p *parser) moment(word string) error {
	switch w := fold(word); {
	case p.now:
		return p.aim(word)
	case len(p.when) == 0 && (w == "现在" || w == "now"):
		p.now = true
	default:
		p.when = append(p.when, word)
	}
	return nil
}

func (p *parser) topic(word string) error {
	s, _, ok := wordSpec(fold(word))
	if !ok {
		return unknown([]string{p.spec.name(p.c.Lang), word}, 1)
	}
	if p.c.Topic != "" {
		return p.unexpected(word)
	}
	p.c.Topic = s.verb
	return nil
}

// somebody takes a word of a name. Beside somebody who was mentioned nobody else
// is expected.
func (p *parser) somebody(word string) error {
	if word == "" || strings.HasPrefix(word, "--") || len(p.person) > 0 && (strings.HasPrefix(p.person[0], "@") || strings.HasPrefix(word, "@")) {
		return p.unexpected(word)
	}
	p.person = append(p.person, word)
	return nil
}

func (p *parser) tongue(word string) error {
	l, ok := tongues()[fold(word)]
	if !ok || p.c.Tongue != "" {
		return p.unexpected(word)
	}
	p.c.Tongue = l
	return nil
}

// tongues gives the language that a word names.
func tongues() map[string]Lang {
	return map[string]Lang{
		"中文": ZH, "汉语": ZH, "简体中文": ZH, "zh": ZH, "zh-cn": ZH, "chinese": ZH,
		"英文": EN, "英语": EN, "en": EN, "english": EN,
	}
}

// aim takes the flow or code, and after it what of a plan is asked for.
func (p *parser) aim(word string) error {
	switch {
	case p.target == "" && word != "":
		p.target = word
		return nil
	case p.spec.verb == Show && p.target != "" && p.part(word):
		return nil
	case p.spec.verb == Undo && p.target != "" && strings.HasPrefix(word, "#") && p.c.Item == 0 && p.part(word):
		return nil
	}
	return p.unexpected(word)
}

// part reads what of a plan is asked for.
func (p *parser) part(word string) bool {
	if kind, ok := kindNames()[fold(word)]; ok {
		p.c.Kind = kind
		return true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(word, "#"))
	if err != nil || n < 1 || n > maxCount {
		return false
	}
	p.c.Item = n
	return true
}

func (p *parser) unexpected(word string) error {
	return fault.New(fault.Invalid, "“%s” is not expected here; write: %s / 这里不应该有“%s”；写法：%s", word, p.spec.usageEN, word, p.spec.usageZH)
}

func (p *parser) usage() error {
	return fault.New(fault.Invalid, "write: %s / 写法：%s", p.spec.usageEN, p.spec.usageZH)
}

// finish sorts what was collected, and misses nothing.
func (p *parser) finish() (Command, error) {
	p.c.Reason = strings.TrimSpace(strings.Join(p.reason, " "))
	switch p.spec.arg {
	case argFlow, argAll:
		if p.target == "" {
			return Command{}, p.usage()
		}
		p.c.Flow = p.target
		if w := fold(p.target); p.spec.arg == argAll && (w == "all" || w == "全部" || w == "所有") {
			p.c.Flow = everything
		}
	case argMaybe:
		p.c.Flow = p.target
	case argCode:
		return p.code()
	case argCodeAny:
		if run.LooksLikeCode(p.target) {
			return p.code()
		}
		p.c.Flow = p.target
	case argNow, argWhen:
		return p.times()
	case argPerson, argFlowPerson:
		return p.about()
	case argSpan:
		return p.spans()
	default:
	}
	return p.c, nil
}

func (p *parser) code() (Command, error) {
	if p.target == "" {
		return Command{}, p.usage()
	}
	code, err := run.ParseCode(p.target)
	if err != nil && p.spec.arg == argCodeAny {
		p.c.Flow = p.target // a flow may look like a code
		return p.c, nil
	}
	if err != nil {
		return Command{}, err
	}
	p.c.Code = code
	return p.c, nil
}

// times finishes what takes a time: digest and schedule. A time for no flow is
// no schedule, and a digest has a time of the day.
func (p *parser) times() (Command, error) {
	p.c.Flow = p.target
	spec, ok := whenOf(p.when)
	switch {
	case p.spec.arg == argWhen && len(p.when) == 0:
		_, timeAlone := whenOf([]string{p.target})
		if timeAlone || p.c.Yes {
			return Command{}, p.usage()
		}
		return p.c, nil
	case p.now && len(p.when) == 0:
		return p.c, nil
	case !ok || p.now:
		return Command{}, p.usage()
	}
	if _, _, plain := plainTimes(spec); p.spec.arg == argNow && spec != off && !plain {
		return Command{}, p.usage()
	}
	p.c.When = spec
	return p.c, nil
}

// about finishes what is about somebody.
func (p *parser) about() (Command, error) {
	p.c.Person = strings.TrimSpace(strings.Join(p.person, " "))
	if p.spec.arg == argFlowPerson {
		p.c.Flow = p.target
	}
	if p.c.Person == "" || p.c.Person == "@" {
		return Command{}, p.usage()
	}
	return p.c, nil
}

// spans finishes mute: for how long, off, or only a look.
func (p *parser) spans() (Command, error) {
	typed := fold(strings.Join(p.span, " "))
	switch d, ok := spanOf(typed); {
	case typed == "":
		p.c.Span = -1
	case typed == off || typed == "关闭":
		p.c.Span = 0
	case !ok:
		return Command{}, p.usage()
	default:
		p.c.Span = d
	}
	return p.c, nil
}
