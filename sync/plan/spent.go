package plan

import (
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// spentAge is how long a link must have been there: a target may show late what was
// created just now.
const spentAge = time.Hour

// Spent gives the live links of which nothing is left to be about: the owner is surely
// gone or has left, and the account is not in the complete target. What shows up under
// its id later is somebody else's. A target that lacks most of the accounts whose owners
// are there is itself in doubt, and proves nothing.
func Spent(in Input) []mapping.Link {
	m := &maker{in: in}
	if m.byEvent() || in.partial || !in.Source.Complete() || !in.Target.Complete() {
		return nil
	}
	var spent []mapping.Link
	there, lacking := 0, 0
	for i := range in.Links {
		switch l := &in.Links[i]; {
		case !l.Live():
		case m.over(l):
			if in.Now.Sub(l.Since) < spentAge {
				continue
			}
			spent = append(spent, *l)
		case l.Source.Kind != directory.User || !in.Source.Has(l.Source):
		case in.Target.Has(l.Target):
			there++
		default:
			lacking++
		}
	}
	if there < lacking {
		return nil
	}
	return spent
}
