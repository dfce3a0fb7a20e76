package plan

import (
	"fmt"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Sentences for people are written "English / 中文", see fault.In.
const divider = " / "

// sprintf is fmt.Sprintf, short for the many sentences here.
func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

// halves splits a sentence into its two languages.
func halves(say string) (en, zh string) { return fault.In(say, "en"), fault.In(say, "zh") }

// withDetail appends the same text to both halves of a sentence.
func withDetail(say, more string) string {
	if more == "" {
		return say
	}
	en, zh := halves(say)
	return en + ": " + more + divider + zh + "：" + more
}

// joined puts one sentence before another, half by half.
func joined(first, second string) string {
	en1, zh1 := halves(first)
	en2, zh2 := halves(second)
	return en1 + "; " + en2 + divider + zh1 + "；" + zh2
}
