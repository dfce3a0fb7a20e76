package queue

import (
	"context"
	"errors"
	"strings"
)

// quotation begins what Redis quotes of a command that it does not know. A server
// without AUTH, such as an old Sentinel or a proxy, so repeats our password.
const quotation = ", with args beginning with"

// unquoted gives a text without what a server quotes of our words.
func unquoted(text string) string {
	said, _, _ := strings.Cut(text, quotation)
	return said
}

// enough is how many bytes of a password give it away: servers cut what they quote.
const enough = 12

// hush keeps our passwords out of an error: a server may repeat what it was sent.
// What came from nobody else is given as it is.
func (t *target) hush(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	text := unquoted(err.Error())
	secrets := []string{t.password, t.sentinelPassword}
	if t.login != nil {
		secrets = append(secrets, t.login.newest())
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret[:min(len(secret), enough)]) {
			return errors.New("the answer repeats a password of ours")
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}
