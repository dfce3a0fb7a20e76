package engine

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// tellTime bounds how long whoever tells of a change waits for the record, twice:
	// for whoever writes to it, and for the writing.
	tellTime = 450 * time.Millisecond
	// longestID is how long an id may be that is looked for, in bytes.
	longestID = 512
)

// heard are a flow's hints on their way into the record, a bounded number of them.
// It is safe for concurrent use.
type heard struct {
	news chan struct{} // holds one when there is something new
	pen  chan struct{} // is held by who writes

	mu    sync.Mutex
	hints map[hintKey]run.Hint
}

type hintKey struct {
	what run.HintKind
	key  directory.Key
}

func newHeard() *heard {
	return &heard{news: make(chan struct{}, 1), pen: make(chan struct{}, 1), hints: map[hintKey]run.Hint{}}
}

// add takes what was told. While the record is away, many who are named become one
// hint that a full run is needed.
func (h *heard) add(hints []run.Hint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range hints {
		key := hintKey{one.What, one.Key}
		if was, there := h.hints[key]; there && was.At.Before(one.At) {
			one.At = was.At
		}
		h.hints[key] = one
	}
	if len(h.hints) <= hintedMax {
		return
	}
	whole := run.Hint{What: run.HintWhole}
	for key, one := range h.hints {
		if one.What == run.HintShrunk {
			continue
		}
		if whole.At.IsZero() || one.At.Before(whole.At) {
			whole.Flow, whole.At = one.Flow, one.At
		}
		delete(h.hints, key)
	}
	h.hints[hintKey{what: run.HintWhole}] = whole
}

// take gives what is to be written and forgets it.
func (h *heard) take() []run.Hint {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]run.Hint, 0, len(h.hints))
	for _, one := range h.hints {
		all = append(all, one)
	}
	clear(h.hints)
	return all
}

// tell wakes whoever waits for news.
func (h *heard) tell() {
	select {
	case h.news <- struct{}{}:
	default:
	}
}

// write puts what was heard into the record. What cannot be written is kept, for the
// next who writes.
func (h *heard) write(ctx context.Context, store Hints) error {
	select {
	case h.pen <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-h.pen }()
	hints := h.take()
	if len(hints) == 0 {
		return nil
	}
	err := store.AddHints(ctx, hints, hintedMax)
	if err != nil {
		h.add(hints)
	}
	return err
}

// kept gives the hint of a flow as it is kept.
func kept(flow string, h directory.Hint, now time.Time) run.Hint {
	k := run.Hint{Flow: flow, At: now}
	switch id := string(h.Key.ID); {
	case h.Shrunk:
		k.What = run.HintShrunk
	case h.Gone, id == "", len(id) > longestID, !utf8.ValidString(id), strings.ContainsAny(id, "\x00\n"):
		k.What = run.HintWhole // what cannot be asked for by id a full run sees
	default:
		k.Key = h.Key
	}
	return k
}
