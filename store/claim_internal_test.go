package store

import (
	"context"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestClaimKnowsWhatItWrote: a caller who gives up once the claim has begun hears that
// the message is in the record, and one who gives up before that it is not.
func TestClaimKnowsWhatItWrote(t *testing.T) {
	t.Parallel()
	s := openTest(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.now = func() time.Time { // the claim has its turn
		cancel()
		return at()
	}
	if first, err := s.Claim(ctx, "late", nil); !first || err != nil {
		t.Errorf("given up when it had begun: %v, %v", first, err)
	}
	if first, err := s.Claim(ctx, "early", nil); first || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("given up before: %v, %v", first, err)
	}
	all, err := s.Unhandled(t.Context(), 9)
	if err != nil || len(all) != 1 || all[0].ID != "late" {
		t.Errorf("in the record %v, %v", all, err)
	}
}
