package run

import (
	"fmt"
	"io"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Code names a run: five random characters of Crockford's base 32 and a check
// character, "7K3MQ2". It is not a secret.
type Code string

// alphabet is Crockford's base 32: no I, L, O, U.
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

const codeLen = 6

// NewCode draws a code from a source of random bytes.
func NewCode(random io.Reader) (Code, error) {
	raw := make([]byte, codeLen-1)
	if _, err := io.ReadFull(random, raw); err != nil {
		return "", fmt.Errorf("draw run code: %w", err)
	}
	for i, b := range raw {
		raw[i] = alphabet[int(b)%len(alphabet)]
	}
	return Code(string(raw) + string(check(string(raw)))), nil
}

// check gives the check character. Every weight is odd, hence invertible
// modulo 32: any single wrong character changes the sum.
func check(body string) byte {
	sum := 24
	for i := range len(body) {
		sum += (2*i + 1) * strings.IndexByte(alphabet, body[i])
	}
	return alphabet[sum%len(alphabet)]
}

// ParseCode reads a code as people type it: in any case, with or without a
// leading #, O for 0, I and L for 1. Faults: Invalid when it is no code, or one
// with a typing error; it is never corrected.
func ParseCode(s string) (Code, error) {
	s = strings.ToUpper(strings.TrimPrefix(strings.TrimSpace(s), "#"))
	s = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(s)
	if len(s) != codeLen || strings.Trim(s, alphabet) != "" {
		return "", fault.New(fault.Invalid, "%q is not a run code; one looks like 7K3MQ2 / “%s”不是运行代码，代码形如 7K3MQ2", s, s)
	}
	if s[codeLen-1] != check(s[:codeLen-1]) {
		return "", fault.New(fault.Invalid, "%s has a typing error, please check it / %s 有一个字符打错了，请核对", s, s)
	}
	return Code(s), nil
}

// LooksLikeCode tells whether s has the form of a code, right or mistyped.
func LooksLikeCode(s string) bool {
	s = strings.ToUpper(strings.TrimPrefix(s, "#"))
	s = strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(s)
	return len(s) == codeLen && strings.Trim(s, alphabet) == ""
}
