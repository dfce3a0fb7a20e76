package ldapdir

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
	"golang.org/x/text/unicode/norm"
)

// name is a DN, taken apart and made comparable: attribute types and values are
// folded, since directories compare both without regard to case and to the normal
// form of Unicode, and runs of blanks count as one.
type name struct {
	dn    string
	parts []part // the entry's own first
}

// part is one relative name.
type part struct {
	pairs []pair
	key   string
}

type pair struct{ attribute, value string }

var errEmptyName = errors.New("the name is empty")

// parseName takes a DN apart.
func parseName(dn string) (name, error) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return name{}, err
	}
	if len(parsed.RDNs) == 0 {
		return name{}, errEmptyName
	}
	n := name{dn: dn, parts: make([]part, len(parsed.RDNs))}
	for i, r := range parsed.RDNs {
		p := part{pairs: make([]pair, len(r.Attributes))}
		keys := make([]string, len(r.Attributes))
		for j, a := range r.Attributes {
			p.pairs[j] = pair{a.Type, a.Value}
			keys[j] = strings.ToLower(a.Type) + "=" + foldValue(a.Value)
		}
		slices.Sort(keys)
		p.key = strings.Join(keys, "\x01")
		n.parts[i] = p
	}
	return n, nil
}

func foldValue(s string) string {
	return strings.Join(strings.Fields(strings.ToLower(norm.NFC.String(s))), " ")
}

// key is equal for equal names.
func (n name) key() string { return keyOf(n.parts) }

func keyOf(parts []part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.key)
		b.WriteByte(0)
	}
	return b.String()
}

// hash is a short form of key, for large maps.
func (n name) hash() [16]byte {
	sum := sha256.Sum256([]byte(n.key()))
	return [16]byte(sum[:16])
}

func (n name) equal(m name) bool {
	return slices.EqualFunc(n.parts, m.parts, func(a, b part) bool { return a.key == b.key })
}

// below tells whether n is under m, at any depth.
func (n name) below(m name) bool {
	over := len(n.parts) - len(m.parts)
	return over > 0 && slices.EqualFunc(n.parts[over:], m.parts, func(a, b part) bool { return a.key == b.key })
}

// parent gives the name above, as the directory wrote it.
func (n name) parent() name {
	up := name{parts: n.parts[1:]}
	texts := make([]string, len(up.parts))
	for i, p := range up.parts {
		texts[i] = p.text()
	}
	up.dn = strings.Join(texts, ",")
	return up
}

// text writes a relative name, escaped.
func (p part) text() string {
	texts := make([]string, len(p.pairs))
	for i, a := range p.pairs {
		texts[i] = relative(a.attribute, a.value)
	}
	return strings.Join(texts, "+")
}

// value gives the value of an attribute of the entry's own name.
func (n name) value(attribute string) (string, bool) {
	for _, a := range n.parts[0].pairs {
		if strings.EqualFold(a.attribute, attribute) {
			return a.value, true
		}
	}
	return "", false
}

// with gives the entry's own name with another value for one attribute.
func (n name) with(attribute, value string) string {
	p := part{pairs: slices.Clone(n.parts[0].pairs)}
	for i := range p.pairs {
		if strings.EqualFold(p.pairs[i].attribute, attribute) {
			p.pairs[i].value = value
		}
	}
	return p.text()
}

// relative writes attribute=value, escaped as RFC 4514 wants.
func relative(attribute, value string) string {
	return attribute + "=" + ldap.EscapeDN(value)
}

// attributeName tells whether a text is an attribute's name: letters, digits, -
// and ; for options.
func attributeName(s string) bool {
	if s == "" || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		ch := s[i]
		letter := ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z'
		if !letter && (ch < '0' || ch > '9') && ch != '-' && ch != '.' && ch != ';' {
			return false
		}
	}
	return true
}
