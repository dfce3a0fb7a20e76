package ldapdir

import (
	"encoding/hex"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// guid is a UUID in the order in which its text is written.
type guid [16]byte

// parseGUID reads the text form, 8-4-4-4-12 hex digits.
func parseGUID(s string) (guid, bool) {
	var g guid
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return g, false
	}
	n, err := hex.Decode(g[:], []byte(strings.ReplaceAll(s, "-", "")))
	return g, err == nil && n == len(g)
}

// objectGUID reads Active Directory's 16 bytes, whose first three fields have
// their bytes in reverse (MS-DTYP 2.3.4.2).
func objectGUID(raw []byte) (guid, bool) {
	if len(raw) != len(guid{}) {
		return guid{}, false
	}
	return swap(guid(raw)), true
}

// wire gives Active Directory's 16 bytes.
func (g guid) wire() []byte {
	s := swap(g)
	return s[:]
}

func swap(g guid) guid {
	for _, span := range [][2]int{{0, 3}, {4, 5}, {6, 7}} {
		for i, j := span[0], span[1]; i < j; i, j = i+1, j-1 {
			g[i], g[j] = g[j], g[i]
		}
	}
	return g
}

// String gives the text form in lower case.
func (g guid) String() string {
	s := hex.EncodeToString(g[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func (g guid) id() directory.ID { return directory.ID(g.String()) }

// escaped writes bytes for a filter.
func escaped(raw []byte) string {
	var b strings.Builder
	for _, x := range raw {
		b.WriteByte('\\')
		b.WriteString(hex.EncodeToString([]byte{x}))
	}
	return b.String()
}
