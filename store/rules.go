package store

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/plan"
)

// KeepRules keeps rule texts under the hash of a flow's configuration and rule files,
// once for each hash. Faults: Unavailable.
func (s *Store) KeepRules(context.Context, string, []plan.RuleText) error { return nil }

// RuleTexts gives them, or false when none were ever kept under the hash. Faults:
// Unavailable.
func (s *Store) RuleTexts(context.Context, string) ([]plan.RuleText, bool, error) {
	return nil, false, nil
}
