package queue

import (
	"slices"
	"sync"
)

// held are the entries that this process has taken and not given back: they are
// what it gives signs of life for.
type held struct {
	freed chan struct{} // holds one token after entries were given back

	mu   sync.Mutex
	keys map[string]string // by entry id
}

func newHeld() *held { return &held{freed: make(chan struct{}, 1), keys: make(map[string]string)} }

func (h *held) add(id, key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.keys[id] = key
}

// of gives the entries of a key that are held now.
func (h *held) of(key string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var ids []string
	for id, k := range h.keys {
		if k == key {
			ids = append(ids, id)
		}
	}
	return ids
}

// all gives every entry that is held, in order.
func (h *held) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	ids := make([]string, 0, len(h.keys))
	for id := range h.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// drop forgets entries.
func (h *held) drop(ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		delete(h.keys, id)
	}
	select {
	case h.freed <- struct{}{}:
	default: // a token is there already
	}
}

// work gives the number of keys that are held: entries of one key are answered
// together, by one worker.
func (h *held) work() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := make(map[string]bool, len(h.keys))
	for _, key := range h.keys {
		seen[key] = true
	}
	return len(seen)
}
