package store

import (
	"context"
	"database/sql"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// wholeSet is the kind of the row that says that a set of rules is there as a whole,
// even an empty one.
const wholeSet = directory.Kind("")

// KeepRules keeps rule texts under the hash of a flow's configuration and rule files,
// once for each hash: what is there stays. No texts are kept as well, so that a flow
// without rules is told from one that nothing is known of. Faults: Invalid without a
// hash or for a text without a kind, Unavailable.
func (s *Store) KeepRules(ctx context.Context, config string, texts []plan.RuleText) error {
	for _, text := range texts {
		if text.Kind == wholeSet {
			return fault.New(fault.Invalid, "a rule without a kind cannot be kept / 没有对象类型的规则无法保存")
		}
	}
	if config == "" {
		return fault.New(fault.Invalid, "rules without a configuration cannot be kept / 没有配置指纹的规则无法保存")
	}
	if _, kept, err := s.RuleTexts(ctx, config); err != nil || kept {
		return err // the writer is not troubled for what is there
	}
	return s.write(ctx, "keep rules", func(tx *sql.Tx) error {
		rows := append([]plan.RuleText{{Kind: wholeSet}}, texts...)
		for _, r := range rows {
			_, err := tx.ExecContext(ctx, `INSERT INTO rules (config, kind, name, body, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				config, r.Kind, r.Name, []byte(r.Text), millis(s.now()))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// RuleTexts gives them by kind, or false when none were ever kept under the hash. A
// flow without rules has none, and true. Faults: Unavailable.
func (s *Store) RuleTexts(ctx context.Context, config string) ([]plan.RuleText, bool, error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT kind, name, body FROM rules WHERE config = $1 ORDER BY kind`, config)
	all, err := collect(rows, err, func(scan func(...any) error) (plan.RuleText, error) {
		var r plan.RuleText
		var body []byte
		err := scan(&r.Kind, &r.Name, &body)
		r.Text = string(body)
		return r, err
	})
	if err != nil {
		return nil, false, s.fail("read rules", err)
	}
	if len(all) == 0 || all[0].Kind != wholeSet { // the empty kind is the first
		return nil, false, nil
	}
	return all[1:], true, nil
}
