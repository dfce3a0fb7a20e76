package storetest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/store"
)

// auditRow is a row of the table audit as the database holds it.
type auditRow struct {
	seq, at                               int64
	run, who, action, detail, keyID, hash string
}

func load(t tb, db *sql.DB) []auditRow {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), `SELECT seq, at, run, who, action, detail, key_id, hash FROM audit ORDER BY seq`)
	if err != nil {
		t.Fatalf("read audit: %v", err)
	}
	defer func() { _ = rows.Close() }()
	var all []auditRow
	for rows.Next() {
		var r auditRow
		if err := rows.Scan(&r.seq, &r.at, &r.run, &r.who, &r.action, &r.detail, &r.keyID, &r.hash); err != nil {
			t.Fatalf("read audit: %v", err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("read audit: %v", err)
	}
	return all
}

// save puts rows in the place of the table's, and a number in that of the counter.
func save(t tb, db *sql.DB, rows []auditRow, counter int64) {
	t.Helper()
	do(t, db, `DELETE FROM audit`)
	for _, r := range rows {
		do(t, db, `INSERT INTO audit (seq, at, run, who, action, detail, key_id, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			r.seq, r.at, r.run, r.who, r.action, r.detail, r.keyID, r.hash)
	}
	do(t, db, `UPDATE counters SET value = $1 WHERE name = 'audit'`, counter)
}

// sum is the hash of a row, written a second time on purpose: what it covers is a
// contract with every chain there is.
func (r *auditRow) sum(key []byte, prev string) string {
	h := sha256.New()
	if key != nil {
		h = hmac.New(sha256.New, key)
	}
	number := func(n int64) string { return string(binary.BigEndian.AppendUint64(nil, uint64(n))) } //nolint:gosec // its bits
	for _, part := range []string{"rollcall audit 1", r.keyID, number(r.seq), prev, r.run, number(r.at), r.who, r.action, r.detail} {
		h.Write([]byte(number(int64(len(part))) + part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// remake gives the rows from an index on the hashes of a chain under a key.
func remake(rows []auditRow, from int, keyID string, key []byte) {
	prev := ""
	if from > 0 {
		prev = rows[from-1].hash
	}
	for i := from; i < len(rows); i++ {
		rows[i].keyID = keyID
		rows[i].hash = rows[i].sum(key, prev)
		prev = rows[i].hash
	}
}

// mutation is one change of an audit by somebody without the key.
type mutation struct {
	r        *rapid.T
	rows     []auditRow
	counter  int64
	key      []byte
	anchored bool       // can only be found by what was noted elsewhere
	flaw     store.Flaw // that must be named; "" = any
}

func (m *mutation) index(most int) int { return rapid.IntRange(0, most).Draw(m.r, "index") }

// apply makes the mutation and gives the number of the first row that is wrong.
func (m *mutation) apply(what string) int64 {
	last := len(m.rows) - 1
	switch what {
	case "field":
		i := m.index(last)
		m.field(&m.rows[i])
		return int64(i + 1)
	case "delete":
		i := m.index(last)
		m.rows = slices.Delete(m.rows, i, i+1)
		if m.flaw = store.FlawMissing; i == last {
			m.flaw = store.FlawCut
		}
		return int64(i + 1)
	case "renumbered": // taken out, and the rest moved up
		i := m.index(last - 1)
		m.rows = slices.Delete(m.rows, i, i+1)
		m.renumber()
		if m.flaw = store.FlawMissing; i == last-1 {
			m.flaw = "" // nothing is left to compare with
		}
		return int64(i + 1)
	case "swap":
		i := m.index(last - 1)
		j := rapid.IntRange(i+1, last).Draw(m.r, "other")
		m.rows[i], m.rows[j] = m.rows[j], m.rows[i]
		m.renumber()
		m.flaw = store.FlawMisplaced
		return int64(i + 1)
	case "insert":
		i := m.index(last)
		m.rows = slices.Insert(m.rows, i, m.forged())
		m.renumber()
		m.flaw = store.FlawInserted
		return int64(i + 1)
	case "append":
		m.rows = append(m.rows, m.forged())
		m.renumber()
		return int64(len(m.rows))
	case "copy": // a true row once more
		m.rows = append(m.rows, m.rows[m.index(last)])
		m.renumber()
		return int64(len(m.rows))
	case "truncate":
		n := m.index(last)
		m.rows = m.rows[:n]
		m.counter, m.anchored, m.flaw = int64(n), true, store.FlawCut
		return int64(n + 1)
	default: // remake, without the key
		return m.remade()
	}
}

// remade makes the chain anew from a row on: without a key, under another one, or
// under another one that calls itself ours.
func (m *mutation) remade() int64 {
	i := m.index(len(m.rows) - 1)
	m.rows[i].detail += "!"
	other := secretOf("other")
	switch rapid.SampledFrom([]string{"plain", "other", "ours"}).Draw(m.r, "key") {
	case "plain":
		remake(m.rows, i, "", nil)
		m.flaw = store.FlawKey
	case "other":
		remake(m.rows, i, "0badc0de", other)
		m.flaw = store.FlawKey
	default:
		remake(m.rows, i, m.rows[0].keyID, other)
	}
	return int64(i + 1)
}

// field changes one field of a row.
func (m *mutation) field(r *auditRow) {
	switch rapid.SampledFrom([]string{"run", "at", "who", "action", "detail", "key", "hash", "border", "empty"}).Draw(m.r, "field") {
	case "run":
		r.run = "000008"
	case "at":
		r.at += rapid.SampledFrom([]int64{-1, 1, 1 << 40}).Draw(m.r, "by")
	case "who":
		r.who = `{"person":"陈悦"}`
	case "action":
		r.action += "x"
	case "detail":
		r.detail = rapid.StringMatching(`[a-z]{0,5}`).Draw(m.r, "detail")
	case "key":
		r.keyID = rapid.SampledFrom([]string{"", "0badc0de"}).Draw(m.r, "id")
	case "hash":
		r.hash = rapid.SampledFrom([]string{"", "00", r.sum(nil, "")}).Draw(m.r, "hash")
	case "border": // the same bytes, cut elsewhere
		r.action, r.detail = r.action[:3], r.action[3:]+r.detail
	default:
		r.run, r.detail = "", ""
	}
}

// forged is a row that somebody without the key makes up.
func (m *mutation) forged() auditRow {
	r := m.rows[0]
	r.detail = "forged"
	r.hash = r.sum(secretOf("other"), "")
	return r
}

// renumber gives the rows the numbers of their places.
func (m *mutation) renumber() {
	for i := range m.rows {
		m.rows[i].seq = int64(i + 1)
	}
	m.counter = int64(len(m.rows))
}
