package bot

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Command is what a line or a button asks for.
type Command struct {
	Verb   Verb
	Lang   Lang   // of the word that was typed
	Flow   string // as typed
	Code   run.Code
	Topic  Verb         // of help
	Kind   string       // of show: create, update, disable, delete, adopt, notes; "" = all
	Item   int          // of show: one change by its number; 0 = all
	Page   int          // from 1
	Days   int          // of history
	Typed  run.Restated // of approve
	Reason string
}

// Parse reads a line. Faults: Invalid with what is wrong; NotFound when the
// verb is no command, so that a suggestion may be made; Denied for words that
// look like consent or force.
func Parse(text string) (Command, error) {
	line, err := normal(text)
	if err != nil {
		return Command{}, err
	}
	words, err := tokens(line)
	if err != nil {
		return Command{}, err
	}
	if len(words) == 0 {
		return Command{Verb: Help, Lang: ZH, Page: 1, Typed: run.NotRestated()}, nil
	}
	s, lang, known := wordSpec(fold(words[0]))
	if !known {
		rest := ""
		if s, rest, known = prefixSpec(words[0]); known {
			lang, words = ZH, append([]string{words[0], rest}, words[1:]...)
		}
	}
	if !known || isReserved(line) {
		return Command{}, unknown(line, words[0])
	}
	p := &parser{spec: s, c: Command{Verb: s.verb, Lang: lang, Page: 1, Typed: run.NotRestated()}}
	for i := 1; i < len(words); i++ {
		used, err := p.word(words[i:])
		if err != nil {
			return Command{}, err
		}
		i += used - 1
	}
	return p.finish()
}

func isReserved(line string) bool {
	for _, w := range reserved() {
		if fold(line) == w {
			return true
		}
	}
	return false
}

func unknown(line, word string) error {
	for _, w := range reserved() {
		if fold(line) == w || fold(word) == w {
			return fault.New(fault.Denied, "“%s” was not taken as an approval or a command / “%s”不会被当作批准或命令", word, word)
		}
	}
	return fault.New(fault.NotFound, "there is no command “%s” / 没有“%s”这个命令", word, word)
}

type parser struct {
	spec   spec
	c      Command
	target string // flow or code
	now    bool
	reason []string
}

// word takes the first of the words, and the second when it is the value of an
// option; it tells how many it took.
func (p *parser) word(words []string) (int, error) {
	word := words[0]
	if name, value, used, is := option(words); is {
		if len(p.reason) > 0 {
			p.reason = append(p.reason, word)
			return 1, nil
		}
		return used, p.option(name, value)
	}
	switch {
	case p.spec.verb == Show && p.target != "" && p.part(word):
		return 1, nil
	case p.spec.arg == argVerb && p.c.Topic == "":
		s, _, ok := wordSpec(fold(word))
		if !ok {
			return 0, unknown(word, word)
		}
		p.c.Topic = s.verb
		return 1, nil
	case p.spec.arg == argNow && !p.now:
		if w := fold(word); w != "现在" && w != "now" {
			return 0, p.usage()
		}
		p.now = true
		return 1, nil
	case p.spec.arg != argNone && p.spec.arg != argVerb && p.target == "":
		p.target = word
		return 1, nil
	case p.spec.rest:
		p.reason = append(p.reason, word)
		return 1, nil
	}
	return 0, fault.New(fault.Invalid, "“%s” is not expected here; write: %s / 这里不应该有“%s”；写法：%s", word, p.spec.usageEN, word, p.spec.usageZH)
}

// option reads name=value, name:value, --name=value or --name value.
func option(words []string) (name, value string, used int, is bool) {
	word, dashed := strings.CutPrefix(words[0], "--")
	if i := strings.IndexAny(word, "=:"); i > 0 {
		name, value = fold(word[:i]), strings.TrimSpace(word[i+1:])
		_, known := optionNames()[name]
		return name, value, 1, dashed || known
	}
	if !dashed || word == "" {
		return "", "", 0, false
	}
	if len(words) > 1 {
		return fold(word), words[1], 2, true
	}
	return fold(word), "", 1, true
}

func (p *parser) option(name, value string) error {
	canonical, known := optionNames()[name]
	takes := false
	for _, o := range p.spec.options {
		takes = takes || o == canonical
	}
	if !known || !takes {
		return fault.New(fault.Invalid, "unknown option “%s”; write: %s / 没有选项“%s”；写法：%s", name, p.spec.usageEN, name, p.spec.usageZH)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSuffix(value, "人"), "项"))
	if err != nil || n < 0 || n > maxCount {
		return fault.New(fault.Invalid, "%s needs a number, not “%s” / %s 要写数字，不能是“%s”", name, value, name, value)
	}
	switch canonical {
	case "delete":
		p.c.Typed.Delete = n
	case "disable":
		p.c.Typed.Disable = n
	case "total":
		p.c.Typed.Total = n
	case "page":
		p.c.Page = max(1, n)
	case "days":
		p.c.Days = n
	}
	return nil
}

const maxCount = 10_000_000

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

func (p *parser) usage() error {
	return fault.New(fault.Invalid, "write: %s / 写法：%s", p.spec.usageEN, p.spec.usageZH)
}

// finish sorts the target into flow or code, and misses nothing.
func (p *parser) finish() (Command, error) {
	p.c.Reason = strings.Join(p.reason, " ")
	switch p.spec.arg {
	case argFlow, argMaybe, argNow:
		p.c.Flow = p.target
	case argCode:
		return p.code()
	case argCodeAny:
		if run.LooksLikeCode(p.target) {
			return p.code()
		}
		p.c.Flow = p.target
	case argNone, argVerb:
	}
	if p.spec.arg == argFlow && p.target == "" || p.spec.arg == argNow && !p.now {
		return Command{}, p.usage()
	}
	return p.c, nil
}

func (p *parser) code() (Command, error) {
	if p.target == "" {
		return Command{}, p.usage()
	}
	code, err := run.ParseCode(p.target)
	if err != nil {
		return Command{}, err
	}
	p.c.Code = code
	return p.c, nil
}

// String writes the command as a line that Parse reads back.
func (c Command) String() string {
	s := specOf(c.Verb)
	words := []string{s.name(c.Lang)}
	word := func(en, zh string) string { return c.Lang.say(en, zh) }
	if s.arg == argNow {
		words = append(words, word("now", "现在"))
	}
	if c.Topic != "" {
		words = append(words, specOf(c.Topic).name(c.Lang))
	}
	if c.Flow != "" {
		words = append(words, quoted(c.Flow))
	}
	if c.Code != "" {
		words = append(words, string(c.Code))
	}
	if c.Item > 0 {
		words = append(words, fmt.Sprintf("#%d", c.Item))
	}
	if c.Kind != "" {
		words = append(words, kindWord(c.Lang, c.Kind))
	}
	number := func(show bool, en, zh string, n int) {
		if show {
			words = append(words, fmt.Sprintf("%s=%d", word(en, zh), n))
		}
	}
	number(c.Typed.Delete >= 0, "delete", "删除", c.Typed.Delete)
	number(c.Typed.Disable >= 0, "disable", "停用", c.Typed.Disable)
	number(c.Typed.Total >= 0, "total", "总数", c.Typed.Total)
	number(c.Page > 1, "--page", "--页", c.Page)
	number(c.Days > 0, "--days", "--天", c.Days)
	if c.Reason != "" {
		words = append(words, c.Reason)
	}
	return strings.Join(words, " ")
}

func quoted(s string) string {
	if strings.ContainsAny(s, " '") {
		return `"` + s + `"`
	}
	return s
}

// kindWord gives the word for a part of a plan.
func kindWord(l Lang, kind string) string {
	switch kind {
	case "create":
		return l.say("create", "新增")
	case "update":
		return l.say("update", "变更")
	case "disable":
		return l.say("disable", "停用")
	case "delete":
		return l.say("delete", "删除")
	case "adopt":
		return l.say("adopt", "认领")
	default:
		return l.say("notes", "保留")
	}
}
