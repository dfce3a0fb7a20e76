package store

import (
	"context"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
)

// deedQuery has the condition of the index changes_by_source, word by word.
const deedQuery = `SELECT ` + entryColumns + ` FROM changes
	WHERE flow = $1 AND source_kind = $2 AND source_id = $3 AND (sent > 0 OR step = 'done')
	ORDER BY at DESC, run DESC, seq DESC LIMIT $4`

// Deeds gives the journal entries of a flow about one source object that were
// done, or sent whatever became of it, newest first, at most limit of them.
func (s *Store) Deeds(ctx context.Context, flow string, source directory.Key, limit int) ([]run.Entry, error) {
	rows, err := s.reader.QueryContext(ctx, deedQuery, flow, source.Kind, source.ID, limit)
	all, err := collect(rows, err, func(scan func(...any) error) (run.Entry, error) {
		l, err := scanLine(scan)
		return l.Entry, err
	})
	if err != nil {
		return nil, s.fail("read deeds", err)
	}
	return all, nil
}
