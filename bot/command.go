package bot

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
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
	Only   string         // of approve: the part that is approved, as listed, joined by ","; "" = all
	Hold   string         // of approve: the part that is not
	Person string         // of whois, test, delegate, and history's --by: as typed; a mention is "@Name"
	Op     string         // of test: create, update, disable or delete; "" = what would be proposed
	When   string         // of schedule and digest: five cron fields, "off", or "" = only look
	Until  string         // of pause and delegate: as typed
	Span   time.Duration  // of mute: 0 = off, -1 = only look
	Tongue Lang           // of lang
	Dept   string         // of plan
	Part   directory.Kind // of plan: "" = both
	File   bool           // of show
	Deep   bool           // of doctor
	Yes    bool           // of schedule: do it
	Room   bool           // of lang: for the whole room
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
	return parse(line, words)
}

// parsePress reads a button: its command as if typed, and what was filled in
// beside it as options. A value stays one word whatever is in it.
func parsePress(p Press) (Command, error) {
	line, err := normal(p.Command)
	if err != nil {
		return Command{}, err
	}
	words, err := tokens(line)
	if err != nil {
		return Command{}, err
	}
	if len(words) == 0 {
		return Command{}, fault.New(fault.Invalid, "the button says nothing / 这个按钮没有内容")
	}
	for _, name := range slices.Sorted(maps.Keys(p.Form)) {
		if value := clean(p.Form[name]); value != "" {
			words = append(words, name+"="+value)
		}
	}
	return parse(line, words)
}

// parse reads words whose first is the verb.
func parse(line string, words []string) (Command, error) {
	if isReserved(line) {
		return Command{}, unknown(words, 0)
	}
	s, lang, known := wordSpec(fold(words[0]))
	if !known {
		rest := ""
		if s, rest, known = prefixSpec(words[0]); known {
			lang, words = ZH, append([]string{words[0], rest}, words[1:]...)
		}
	}
	if !known {
		return Command{}, unknown(words, 0)
	}
	p := &parser{spec: s, c: Command{Verb: s.verb, Lang: lang, Page: 1, Typed: run.NotRestated()}, given: map[string]bool{}}
	for i := 1; i < len(words); i++ {
		used, err := p.word(words[i:])
		if err != nil {
			return Command{}, err
		}
		i += used - 1
	}
	return p.finish()
}

// isReserved compares without the marks that people put behind a word.
func isReserved(s string) bool {
	s = strings.Map(func(r rune) rune {
		if r == 0xfe0f || r >= 0x1f3fb && r <= 0x1f3ff { // variants of an emoji
			return -1
		}
		return r
	}, fold(s))
	s = strings.TrimRight(s, "!.~,。！～，… ")
	return slices.Contains(reserved(), s)
}

// unread is a line whose verb, or topic of help, is no command.
type unread struct {
	words []string
	at    int // the word in question
	err   *fault.Error
}

func (u *unread) Error() string { return u.err.Error() }

func (u *unread) Unwrap() error { return u.err }

func unknown(words []string, at int) error {
	word := words[at]
	if at == 0 && (isReserved(strings.Join(words, " ")) || isReserved(word)) {
		return &unread{words, at, fault.New(fault.Denied, "“%s” was not taken as an approval or a command / “%s”不会被当作批准或命令", word, word)}
	}
	return &unread{words, at, fault.New(fault.NotFound, "there is no command “%s” / 没有“%s”这个命令", word, word)}
}

type parser struct {
	spec   spec
	c      Command
	target string // flow or code
	now    bool
	given  map[string]bool // options so far
	reason []string
}

// word takes the first of the words, and the second when it is the value of an
// option; it tells how many it took.
func (p *parser) word(words []string) (int, error) {
	word := words[0]
	if p.spec.rest && p.target != "" && (len(p.reason) > 0 || !strings.HasPrefix(word, "--")) {
		p.reason = append(p.reason, word)
		return 1, nil
	}
	if all := listed(word); len(all) > 1 && len(p.spec.options) > 0 {
		return 1, p.list(word, all)
	}
	if name, value, used, is := option(words); is {
		return used, p.option(name, value)
	}
	return 1, p.argument(word)
}

// list takes several options that stand in one word.
func (p *parser) list(word string, all []string) error {
	for _, one := range all {
		name, value, _, is := option([]string{one})
		if !is {
			return p.unexpected(word)
		}
		if err := p.option(name, value); err != nil {
			return err
		}
	}
	return nil
}

// argument takes a word that is no option.
func (p *parser) argument(word string) error {
	switch p.spec.arg {
	case argNone:
		return p.unexpected(word)
	case argVerb:
		s, _, ok := wordSpec(fold(word))
		if !ok {
			return unknown([]string{p.spec.name(p.c.Lang), word}, 1)
		}
		if p.c.Topic != "" {
			return p.unexpected(word)
		}
		p.c.Topic = s.verb
		return nil
	case argNow:
		if p.now {
			return p.aim(word)
		}
		if w := fold(word); w != "现在" && w != "now" {
			return p.usage()
		}
		p.now = true
		return nil
	default:
		return p.aim(word)
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
	}
	return p.unexpected(word)
}

// listed splits "删除=3,停用=2", which is a list of options.
func listed(word string) []string {
	if !strings.ContainsAny(word, "=:") {
		return nil
	}
	return strings.FieldsFunc(word, func(r rune) bool { return r == ',' || r == '、' })
}

func (p *parser) unexpected(word string) error {
	return fault.New(fault.Invalid, "“%s” is not expected here; write: %s / 这里不应该有“%s”；写法：%s", word, p.spec.usageEN, word, p.spec.usageZH)
}

// finish sorts the target into flow or code, and misses nothing.
func (p *parser) finish() (Command, error) {
	p.c.Reason = strings.TrimSpace(strings.Join(p.reason, " "))
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
	default:
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

// In gives the command in another language.
func (c Command) In(l Lang) Command {
	c.Lang = l
	return c
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
		words = append(words, quoted(c.Reason))
	}
	return strings.Join(words, " ")
}

// quoted keeps a text with blanks or quotation marks one word. A text with both
// kinds of marks loses one kind.
func quoted(s string) string {
	switch {
	case !strings.ContainsAny(s, " \"'—–―"):
		return s
	case !strings.Contains(s, `"`):
		return `"` + s + `"`
	case !strings.Contains(s, `'`):
		return `'` + s + `'`
	default:
		return `"` + strings.ReplaceAll(s, `"`, `'`) + `"`
	}
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
