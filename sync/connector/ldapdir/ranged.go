package ldapdir

import (
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// rangeOf finds a part of an attribute's values in an entry, and where the next
// one begins; next is below 0 after the last. ok is false when there is no part.
func rangeOf(e *ldap.Entry, attribute string) (values []string, next int, ok bool) {
	for _, a := range e.Attributes {
		base, option, found := strings.Cut(a.Name, ";")
		if !found || !strings.EqualFold(base, attribute) {
			continue
		}
		span, is := cutFold(option, "range=")
		if !is {
			continue
		}
		_, end, found := strings.Cut(span, "-")
		if !found {
			continue
		}
		if end == "*" {
			return a.Values, -1, true
		}
		last, err := strconv.Atoi(end)
		if err != nil || last < 0 {
			continue
		}
		return a.Values, last + 1, true
	}
	return nil, 0, false
}

func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func itoa(n int) string { return strconv.Itoa(n) }
