package directory

import (
	"slices"
	"strings"
)

// Hint says that an object may have changed in its system. It is never proof of
// anything: whoever gets one asks the system.
type Hint struct {
	// Key names the object. An empty ID means that something changed of which the
	// system does not say what.
	Key Key
	// Gone: the system says that the object was deleted or has left.
	Gone bool
	// Shrunk: the system shows us less than before. What is missing has not left.
	Shrunk bool
}

// Keys is a set of keys as one comparable text: one a line, in order.
type Keys string

// KeysOf gives the set of some keys.
func KeysOf(keys ...Key) Keys {
	lines := make([]string, len(keys))
	for i, k := range keys {
		lines[i] = k.String()
	}
	slices.Sort(lines)
	return Keys(strings.Join(slices.Compact(lines), "\n"))
}

// All gives the keys in order.
func (k Keys) All() []Key {
	if k == "" {
		return nil
	}
	var keys []Key
	for line := range strings.SplitSeq(string(k), "\n") {
		kind, id, _ := strings.Cut(line, ":")
		keys = append(keys, Key{Kind(kind), ID(id)})
	}
	return keys
}
