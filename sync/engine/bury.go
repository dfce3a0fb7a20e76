package engine

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// buryMost is how many accounts are looked for in one run, drawn when there are more; the
// others come next time.
const buryMost = 2 * askChunk

// bury gives tombstones for links of which nothing is left, and puts them into the links
// as well. Who was deleted by hand after the owner had left is nobody's any more: the
// next owner of the id must not be taken for the one who left. The target is asked by id,
// since its listing may lack somebody; what it cannot tell stays as it is.
func (w *worker) bury(ctx context.Context, in *plan.Input) ([]mapping.Link, error) {
	spent := plan.Spent(*in)
	if len(spent) > buryMost { // those of whom the target cannot tell stay, and must not keep the others waiting
		rand.Shuffle(len(spent), func(i, j int) { spent[i], spent[j] = spent[j], spent[i] }) //nolint:gosec // a draw needs no secret randomness
		spent = spent[:buryMost]
	}
	gone := map[directory.Key]bool{}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		var ids []directory.ID
		for i := range spent {
			if spent[i].Target.Kind == kind {
				ids = append(ids, spent[i].Target.ID)
			}
		}
		for chunk := range slices.Chunk(ids, askChunk) {
			seen, err := askAll(ctx, w.flow.Target, kind, chunk)
			if err != nil {
				if ctx.Err() != nil {
					return nil, context.Cause(ctx)
				}
				w.o.Logger.InfoContext(ctx, "accounts that are gone are looked for later", "flow", w.flow.Plan.Name, "err", err)
				break
			}
			for i, s := range seen {
				gone[directory.Key{Kind: kind, ID: chunk[i]}] = s.Presence == connector.Gone
			}
		}
	}
	over := map[directory.Key]bool{}
	for i := range spent {
		over[spent[i].Source] = gone[spent[i].Target]
	}
	var buried []mapping.Link
	now := w.o.Now()
	for i := range in.Links {
		if l := &in.Links[i]; over[l.Source] {
			l.DeletedAt, l.LeftRuns = now, 0
			buried = append(buried, *l)
		}
	}
	if len(buried) > 0 {
		w.o.Logger.InfoContext(ctx, "links of owners who left and accounts that are gone end", "flow", w.flow.Plan.Name, "links", len(buried))
	}
	return buried, nil
}
