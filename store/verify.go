package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Flaw is what is wrong with a chain.
type Flaw string

// The flaws. Which one it is is the best guess; that there is one is certain.
const (
	FlawChanged   Flaw = "changed"   // the row is not as it was written
	FlawMissing   Flaw = "missing"   // rows were taken out
	FlawInserted  Flaw = "inserted"  // a row was put in
	FlawMisplaced Flaw = "misplaced" // the row stood elsewhere
	FlawCut       Flaw = "cut"       // the end was cut off
	FlawRemade    Flaw = "remade"    // from here on the chain was made anew
	FlawKey       Flaw = "key"       // a key that we do not have, or one that was replaced before
	FlawUnsealed  Flaw = "unsealed"  // a row without a hash among those that have one
)

// Break is the first flaw of a chain.
type Break struct {
	Seq  int64 `json:"seq"`
	Flaw Flaw  `json:"flaw"`
}

// Check says how much of the chain is verified, and against what.
type Check struct {
	// Since is the first row; 0 or 1 = all. The row before it is believed.
	Since int64
	// Heads were noted outside of the record; of the hash the first HeadDigits do.
	Heads []Head
}

// Proof is what verifying found.
type Proof struct {
	Rows  int64  `json:"rows"` // that are proven, up to the break
	Head  Head   `json:"head"` // of the last of them
	Break *Break `json:"break,omitempty"`
	// Plain is how many of the rows are under no key: anybody could have made them
	// before the first one that is.
	Plain int64 `json:"plain"`
	// Sealed tells when rows of an older record got their hashes, once for each time;
	// more than once is a reason to ask.
	Sealed []time.Time `json:"sealed,omitempty"`
}

// verifyPage is how many rows are read at once.
const verifyPage = 2000

// VerifyAudit walks the chain in the order of its rows and gives the first that is
// not as it must be. It needs little memory however long the audit is; rows that
// are added meanwhile are verified too. Faults: only of reading; a broken chain is
// a Proof with a Break.
func (s *Store) VerifyAudit(ctx context.Context, c Check) (Proof, error) {
	var counter int64
	if err := s.reader.QueryRowContext(ctx, `SELECT value FROM counters WHERE name = 'audit'`).Scan(&counter); err != nil {
		return Proof{}, s.fail("read counter", err)
	}
	w := &walk{s: s, odd: math.MaxInt64, rank: len(s.chain), heads: map[int64][]string{}}
	for _, h := range c.Heads {
		w.heads[h.Seq] = append(w.heads[h.Seq], h.Hash)
		counter = max(counter, h.Seq)
	}
	if err := w.start(ctx, c.Since); err != nil {
		return Proof{}, s.fail("read audit", err)
	}
	err := w.all(ctx)
	if err == nil && w.proof.Break == nil {
		w.end(counter)
	}
	return w.proof, s.failed("verify audit", err)
}

// walk is a verification under way.
type walk struct {
	s     *Store
	first int64
	odd   int64   // the first row with a value of a kind that we do not write, else behind the last
	last  chained // the row before
	rank  int     // of the newest key so far
	heads map[int64][]string
	proof Proof
}

// start begins before a row, and looks at what was noted about those before it.
func (w *walk) start(ctx context.Context, since int64) error {
	w.first = max(since, 1)
	var least int64 // rows count from 1; what stands before them was never ours
	if err := w.s.reader.QueryRowContext(ctx, `SELECT COALESCE(MIN(seq), 1) FROM audit`).Scan(&least); err != nil || least < 1 {
		w.fail(least, FlawInserted)
		return err
	}
	if err := w.findOdd(ctx); err != nil || since <= 1 {
		return err
	}
	for seq := range w.heads {
		if seq < since-1 {
			before, err := w.s.chainedAt(ctx, seq)
			if err != nil {
				return err
			}
			if w.anchored(&before, seq); w.proof.Break != nil {
				return nil
			}
		}
	}
	var err error
	if w.last, err = w.s.chainedAt(ctx, since-1); err != nil {
		return err
	}
	if w.last.seq == 0 {
		w.fail(since-1, FlawMissing)
		return nil
	}
	w.anchored(&w.last, w.last.seq)
	w.proof.Head = w.last.head()
	if rank, known := w.s.rank(w.last.keyID); known {
		w.rank = rank
	}
	return nil
}

// findOdd looks for values of another kind. SQLite takes any into any column, and a text
// that was made into bytes has the same hash and is found by no condition: every list
// would leave its row out.
func (w *walk) findOdd(ctx context.Context) error {
	if w.s.postgres {
		return nil
	}
	err := w.s.reader.QueryRowContext(ctx, `SELECT CAST(seq AS INTEGER) FROM audit WHERE seq >= $1 AND (typeof(seq) || typeof(at) <> 'integerinteger'
		OR typeof(run) || typeof(who) || typeof(action) || typeof(detail) || typeof(key_id) || typeof(hash) <> 'texttexttexttexttexttext')
		ORDER BY 1 LIMIT 1`, w.first).Scan(&w.odd)
	return ignoreNone(err)
}

// page gives rows after one, as far as they can be read.
func (w *walk) page(ctx context.Context, after int64, n int) ([]chained, error) {
	rows, err := w.s.reader.QueryContext(ctx, `SELECT `+chainColumns+` FROM audit WHERE seq > $1 AND seq < $2 ORDER BY seq LIMIT $3`, after, w.odd, n)
	return collect(rows, err, scanChained)
}

// chainedAt gives the row of a number; the zero one when it is not there.
func (s *Store) chainedAt(ctx context.Context, seq int64) (chained, error) {
	c, err := scanChained(s.reader.QueryRowContext(ctx, `SELECT `+chainColumns+` FROM audit WHERE seq = $1`, seq).Scan)
	return c, ignoreNone(err)
}

func (w *walk) fail(seq int64, flaw Flaw) {
	if old := w.proof.Break; old == nil || seq < old.Seq {
		w.proof.Break = &Break{Seq: seq, Flaw: flaw}
	}
}

// anchored compares a row with what was noted about it.
func (w *walk) anchored(c *chained, seq int64) {
	for _, hash := range w.heads[seq] {
		if len(hash) < HeadDigits || !strings.HasPrefix(c.hash, hash) {
			w.fail(seq, FlawRemade)
		}
	}
}

// all walks to the end or the first break.
func (w *walk) all(ctx context.Context) error {
	for w.proof.Break == nil {
		page, err := w.page(ctx, w.last.seq, verifyPage)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			if err := w.step(ctx, &page[i]); err != nil || w.proof.Break != nil {
				return err
			}
		}
	}
	return nil
}

// step verifies one row.
func (w *walk) step(ctx context.Context, c *chained) error {
	rank, known := w.s.rank(c.keyID)
	switch {
	case c.seq != w.last.seq+1:
		w.fail(w.last.seq+1, FlawMissing)
		return nil
	case c.hash == "":
		w.fail(c.seq, FlawUnsealed)
		return nil
	case !known || rank > w.rank:
		w.fail(c.seq, FlawKey)
		return nil
	case c.hash != c.sum(w.s.chainKeyOf(rank), w.last.hash):
		flaw, err := w.diagnose(ctx, c)
		w.fail(c.seq, flaw)
		return err
	}
	if w.anchored(c, c.seq); w.proof.Break != nil {
		return nil
	}
	w.rank, w.last = rank, *c
	w.proof.Rows++
	w.proof.Head = c.head()
	if c.keyID == "" {
		w.proof.Plain++
	}
	if c.action == auditSealed {
		w.proof.Sealed = append(w.proof.Sealed, instant(c.at))
	}
	return nil
}

// end looks whether the last row is the last that there was.
func (w *walk) end(counter int64) {
	switch {
	case w.last.seq+1 == w.odd:
		w.fail(w.odd, FlawChanged)
	case w.odd != math.MaxInt64:
		w.fail(w.last.seq+1, FlawMissing)
	case w.last.seq < counter:
		w.fail(w.last.seq+1, FlawCut)
	case w.last.seq > 0 && len(w.s.chain) > 0 && w.rank == len(w.s.chain):
		// A key is configured and no row is under one: either the service has not
		// begun since, or all was made anew by somebody without it.
		w.fail(w.first, FlawKey)
	}
}

// diagnose guesses what happened to a row whose hash does not fit, from the rows
// around it.
func (w *walk) diagnose(ctx context.Context, c *chained) (Flaw, error) {
	s, last := w.s, &w.last
	after, err := w.page(ctx, c.seq, 1)
	if err != nil {
		return FlawChanged, err
	}
	if moved, err := w.misplaced(ctx, c); err != nil || moved {
		return FlawMisplaced, err
	}
	if len(after) == 0 {
		return FlawChanged, nil
	}
	next := after[0]
	rank, known := s.rank(c.keyID)
	fits := func(seq int64, prev string) bool {
		n := next
		n.seq = seq
		rank, known := s.rank(n.keyID)
		return known && n.hash == n.sum(s.chainKeyOf(rank), prev)
	}
	switch {
	case fits(next.seq, c.hash), known && fits(next.seq, c.sum(s.chainKeyOf(rank), last.hash)):
		return FlawChanged, nil
	case fits(c.seq, last.hash):
		return FlawInserted, nil
	}
	for k := int64(1); k <= mostRenumbered; k++ {
		if fits(next.seq+k, c.hash) {
			return FlawMissing, nil
		}
	}
	return FlawRemade, nil
}

// mostRenumbered is how many rows taken out are recognised when the rest were given
// new numbers.
const mostRenumbered = 1000

// misplaced tells whether a row's hash fits another place of the chain.
func (w *walk) misplaced(ctx context.Context, c *chained) (bool, error) {
	rank, known := w.s.rank(c.keyID)
	if !known {
		return false, nil
	}
	key := w.s.chainKeyOf(rank)
	var before chained
	for {
		page, err := w.page(ctx, before.seq, verifyPage)
		if err != nil || len(page) == 0 {
			return false, err
		}
		for i := range page {
			there := *c
			there.seq = page[i].seq
			// A neighbour's hash stands where the two were exchanged.
			if there.seq != c.seq && slices.Contains([]string{there.sum(key, before.hash), there.sum(key, page[i].hash)}, c.hash) {
				return true, nil
			}
			before = page[i]
		}
	}
}

// String says the break in a word, for the log.
func (b *Break) String() string { return fmt.Sprintf("%s at %d", b.Flaw, b.Seq) }
