package bot

import (
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
	Flow   string // as typed; of pause and resume "*" = all
	Code   run.Code
	Topic  Verb         // of help
	Kind   string       // of show: create, update, disable, delete, adopt, notes; "" = all
	Item   int          // of show and undo: one change by its number; 0 = all
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
	if !known && !slices.Contains(ownNames(), fold(words[0])) {
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
