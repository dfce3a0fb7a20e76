package bot

import (
	"fmt"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// say gives a sentence in the language; both are always written down together.
func (l Lang) say(en, zh string, args ...any) string {
	format := zh
	if l == EN {
		format = en
	}
	if len(args) == 0 {
		return format
	}
	return fmt.Sprintf(format, args...)
}

// of picks the language of a sentence that the engine wrote as "English / 中文".
func (l Lang) of(sentence string) string { return fault.In(sentence, string(l)) }
