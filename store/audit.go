package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// auditDestructive tells the audit that an account is about to be taken away, and
// what came of it, in the transaction of the journal: while the audit cannot be
// written no such call begins.
func (s *Store) auditDestructive(ctx context.Context, tx *sql.Tx, old line, e run.Entry) error {
	begun := e.Step == run.StepSending
	ended := e.Step != old.Step && (old.Step == run.StepSending || old.Step == run.StepInDoubt)
	if old.op != plan.Disable && old.op != plan.Delete || !begun && !ended {
		return nil
	}
	return s.addAudit(ctx, tx, run.Audit{
		Action: "change." + string(e.Step), Run: e.Run, Detail: fmt.Sprintf("#%d %s %s %s", e.Seq, old.op, old.Key.Kind, old.Key.ID),
	})
}

// AuditRow is an audit row with its place in the chain.
type AuditRow struct {
	run.Audit
	Seq  int64  `json:"seq"`
	Key  string `json:"key"`  // id of the key; "" = no key
	Hash string `json:"hash"` // 64 hex digits; "" = not sealed
}

// AuditFilter selects audit rows; zero fields select everything.
type AuditFilter struct {
	Run    run.Code
	Action string
	Since  time.Time
	Limit  int // the newest so many; 0 = all
}

// AuditRows gives the rows that the filter selects, oldest first.
func (s *Store) AuditRows(ctx context.Context, f AuditFilter) ([]AuditRow, error) {
	where := []string{"at >= $1"}
	args := []any{millis(f.Since)}
	add := func(column string, value any) {
		args = append(args, value)
		where = append(where, fmt.Sprintf("%s = $%d", column, len(args)))
	}
	if f.Run != "" {
		add("run", string(f.Run))
	}
	if f.Action != "" {
		add("action", f.Action)
	}
	query := `SELECT ` + chainColumns + ` FROM audit WHERE ` + strings.Join(where, " AND ") + ` ORDER BY seq DESC` //nolint:gosec // columns of ours, values are bound
	if f.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	rows, err := s.reader.QueryContext(ctx, query, args...)
	all, err := collect(rows, err, func(scan func(...any) error) (AuditRow, error) {
		c, err := scanChained(scan)
		if err != nil {
			return AuditRow{}, err
		}
		return c.row()
	})
	if err != nil {
		return nil, s.fail("read audit", err)
	}
	slices.Reverse(all)
	return all, nil
}

// row gives what the outside sees.
func (c *chained) row() (AuditRow, error) {
	who, err := decode[run.Actor](c.who)
	return AuditRow{
		Audit: run.Audit{At: instant(c.at), Who: who, Action: c.action, Run: run.Code(c.run), Detail: c.detail},
		Seq:   c.seq, Key: c.keyID, Hash: c.hash,
	}, err
}

// AuditTrail gives who did what with a run, in order.
func (s *Store) AuditTrail(ctx context.Context, code run.Code) ([]run.Audit, error) {
	rows, err := s.AuditRows(ctx, AuditFilter{Run: code})
	if err != nil {
		return nil, err
	}
	var all []run.Audit
	for i := range rows {
		all = append(all, rows[i].Audit)
	}
	return all, nil
}

// Head is the end of the audit's chain: the number of a row and its hash. One that
// was noted outside of the record proves that the rows up to it are still those.
type Head struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// String gives SEQ:HASH.
func (h Head) String() string { return strconv.FormatInt(h.Seq, 10) + ":" + h.Hash }

const (
	// hashDigits is the length of a hash in hex.
	hashDigits = 64
	// HeadDigits is how much of it a noted head must have, for places where people read
	// it: nobody finds another chain with the same 64 bits, and not without the key.
	HeadDigits = 16
)

// Short gives SEQ:HASH with the first HeadDigits of the hash.
func (h Head) Short() string {
	h.Hash = h.Hash[:min(HeadDigits, len(h.Hash))]
	return h.String()
}

// ParseHead reads what String and Short give, and what is between. Faults: Invalid.
func ParseHead(text string) (Head, error) {
	number, hash, _ := strings.Cut(text, ":")
	seq, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seq <= 0 || len(hash) < HeadDigits || len(hash) > hashDigits || strings.Trim(hash, "0123456789abcdef") != "" {
		return Head{}, fault.New(fault.Invalid, "a head is written SEQ:HASH, as rollcall audit head prints it / 链头要写成 序号:哈希，与 rollcall audit head 显示的一样")
	}
	return Head{Seq: seq, Hash: hash}, nil
}

// AuditHead gives the end of the chain; the zero Head for an empty audit.
func (s *Store) AuditHead(ctx context.Context) (Head, error) {
	last, err := lastChained(ctx, s.reader)
	return last.head(), s.failed("read audit", err)
}
