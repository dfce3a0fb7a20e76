package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/run"
)

// The audit is a chain: each row's hash covers the row and the hash of the row
// before. With a key it is an HMAC, which only who has the key can make; without
// one it is a plain hash, which tells of accidents alone.

// chainVersion is the version of the record that brought the chain.
const chainVersion = 6

// chainKey is one key of the chain; the zero one is no key.
type chainKey struct {
	id  string // short, stands in the row
	key []byte
}

const chainKeyID = 8

// chainKeys gives the configured keys with their ids, newest first.
func chainKeys(keys [][]byte) []chainKey {
	all := make([]chainKey, 0, len(keys))
	for _, key := range keys {
		sum := sha256.Sum256(append([]byte("rollcall audit key\x00"), key...))
		all = append(all, chainKey{id: hex.EncodeToString(sum[:])[:chainKeyID], key: key})
	}
	return all
}

// newest is the key that new rows are made with.
func newest(keys []chainKey) chainKey {
	if len(keys) == 0 {
		return chainKey{}
	}
	return keys[0]
}

// chained is an audit row as the record keeps it; who is the text that is stored.
type chained struct {
	seq, at                  int64
	run, who, action, detail string
	keyID, hash              string
}

const chainColumns = `seq, at, run, who, action, detail, key_id, hash`

func scanChained(scan func(...any) error) (chained, error) {
	var c chained
	err := scan(&c.seq, &c.at, &c.run, &c.who, &c.action, &c.detail, &c.keyID, &c.hash)
	return c, err
}

// sum gives the hash that the row must have under a key, after a row with the hash
// prev. Every part has its length before it, so that none passes for another.
func (c *chained) sum(key chainKey, prev string) string {
	var h hash.Hash
	if key.id == "" {
		h = sha256.New()
	} else {
		h = hmac.New(sha256.New, key.key)
	}
	var number [8]byte
	put := func(n int64) []byte {
		binary.BigEndian.PutUint64(number[:], uint64(n)) //nolint:gosec // any bits will do
		return number[:]
	}
	part := func(b []byte) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(b)))
		_, _ = h.Write(length[:]) // a hash never fails
		_, _ = h.Write(b)
	}
	part([]byte("rollcall audit 1"))
	part([]byte(key.id))
	part(put(c.seq))
	part([]byte(prev))
	part([]byte(c.run))
	part(put(c.at))
	part([]byte(c.who))
	part([]byte(c.action))
	part([]byte(c.detail))
	return hex.EncodeToString(h.Sum(nil))
}

// addAudit adds a row to the end of the chain, in the transaction of what it tells
// of: what cannot be told does not happen.
func (s *Store) addAudit(ctx context.Context, tx *sql.Tx, a run.Audit) error {
	seq, err := draw(ctx, tx, "audit", 1)
	if err != nil {
		return err
	}
	if a.At.IsZero() {
		a.At = s.now()
	}
	who, err := encode(a.Who)
	if err != nil {
		return err
	}
	// Who draws a number holds the counter until its end, so the row before is
	// committed. Where it is missing the chain has a gap, which verifying tells.
	var prev string
	err = tx.QueryRowContext(ctx, `SELECT hash FROM audit WHERE seq = $1`, seq-1).Scan(&prev)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	key := newest(s.chain)
	c := chained{seq: seq, at: millis(a.At), run: string(a.Run), who: who, action: a.Action, detail: storable(a.Detail), keyID: key.id}
	_, err = tx.ExecContext(ctx, `INSERT INTO audit (`+chainColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.seq, c.at, c.run, c.who, c.action, c.detail, c.keyID, c.sum(key, prev))
	return err
}

// storable takes out of a text what PostgreSQL refuses: nobody's words may keep a
// row from being written.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// sealBatch is how many rows are sealed by one statement.
const sealBatch = 500

// sealAudit gives the rows that were there before the chain their hashes: once,
// all of them or none. Where one row has a hash, a row without is not sealed any
// more: somebody took it away, or added the row past us.
func (s *Store) sealAudit(ctx context.Context) error {
	if sealed, err := firstSealed(ctx, s.reader); err != nil || sealed {
		return s.failed("read audit", err)
	}
	var rows int64
	err := s.write(ctx, "seal audit", func(tx *sql.Tx) error {
		rows = 0
		if sealed, err := firstSealed(ctx, tx); err != nil || sealed {
			return err
		}
		var sealed int64
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM audit WHERE hash <> ''`).Scan(&sealed); err != nil || sealed > 0 {
			return err
		}
		var err error
		if rows, err = s.sealRows(ctx, tx); err != nil {
			return err
		}
		return s.addAudit(ctx, tx, run.Audit{Action: auditSealed, Detail: fmt.Sprintf("%d rows", rows)})
	})
	if err == nil && rows > 0 {
		s.logger.WarnContext(ctx, "audit rows from before the chain are sealed", "rows", rows)
	}
	return err
}

// Words of the audit about itself.
const (
	auditSealed = "audit.sealed" // rows of an older record got their hashes
	auditKeyed  = "audit.key"    // from here on another key

	// RestoredAction is the audit's word for a record that came out of a backup.
	RestoredAction = "record.restored"
)

// firstSealed tells whether the first row has a hash, or there is none.
func firstSealed(ctx context.Context, q querier) (bool, error) {
	var first string
	err := q.QueryRowContext(ctx, `SELECT hash FROM audit ORDER BY seq LIMIT 1`).Scan(&first)
	return first != "" || errors.Is(err, sql.ErrNoRows), ignoreNone(err)
}

func ignoreNone(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// sealRows gives every row its hash, batch by batch, and counts them.
func (s *Store) sealRows(ctx context.Context, tx *sql.Tx) (int64, error) {
	key := newest(s.chain)
	var last chained
	for count := int64(0); ; {
		rows, err := tx.QueryContext(ctx, `SELECT `+chainColumns+` FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2`, last.seq, sealBatch)
		batch, err := collect(rows, err, scanChained)
		if err != nil || len(batch) == 0 {
			return count, err
		}
		// The bounds keep each batch from looking through the whole table.
		args := []any{key.id, batch[0].seq, batch[len(batch)-1].seq}
		var values []string
		for i := range batch {
			c := &batch[i]
			c.hash = c.sum(key, last.hash)
			last = *c
			args = append(args, c.seq, c.hash)
			values = append(values, fmt.Sprintf("(CAST($%d AS BIGINT), CAST($%d AS TEXT))", len(args)-1, len(args)))
		}
		//nolint:gosec // placeholders alone are put together, values are bound
		_, err = tx.ExecContext(ctx, `UPDATE audit SET key_id = $1, hash = v.column2 FROM (VALUES `+strings.Join(values, ", ")+`) AS v
			WHERE audit.seq = v.column1 AND audit.seq BETWEEN $2 AND $3`, args...)
		if err != nil {
			return 0, err
		}
		count += int64(len(batch))
	}
}

// AnchorAudit goes on under the newest key, with a row that says so when the rows so
// far are under another one, and gives the head for the log: what is noted outside
// of the record proves later that nothing was cut off or made anew.
func (s *Store) AnchorAudit(ctx context.Context) (Head, error) {
	last, err := lastChained(ctx, s.reader)
	key := newest(s.chain)
	if err != nil || last.seq == 0 || last.keyID == key.id {
		return last.head(), s.failed("read audit", err)
	}
	err = s.write(ctx, "change audit key", func(tx *sql.Tx) error {
		if last, err = lastChained(ctx, tx); err != nil || last.keyID == key.id {
			return err
		}
		s.logger.WarnContext(ctx, "audit goes on under another key", "from", last.keyID, "to", key.id, "seq", last.seq, "hash", last.hash)
		detail := fmt.Sprintf("from %q to %q after %s", last.keyID, key.id, last.head())
		if err := s.addAudit(ctx, tx, run.Audit{Action: auditKeyed, Detail: detail}); err != nil {
			return err
		}
		last, err = lastChained(ctx, tx)
		return err
	})
	return last.head(), err
}

// lastChained gives the last row; the zero one when there is none.
func lastChained(ctx context.Context, q querier) (chained, error) {
	c, err := scanChained(q.QueryRowContext(ctx, `SELECT `+chainColumns+` FROM audit ORDER BY seq DESC LIMIT 1`).Scan)
	return c, ignoreNone(err)
}

func (c *chained) head() Head { return Head{Seq: c.seq, Hash: c.hash} }

// rank tells how new a key is: 0 is the newest, no key is older than every key.
func (s *Store) rank(id string) (int, bool) {
	if id == "" {
		return len(s.chain), true
	}
	i := slices.IndexFunc(s.chain, func(k chainKey) bool { return k.id == id })
	return i, i >= 0
}

// chainKeyOf gives the key of a rank.
func (s *Store) chainKeyOf(rank int) chainKey {
	if rank >= len(s.chain) {
		return chainKey{}
	}
	return s.chain[rank]
}
