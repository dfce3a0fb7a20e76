package connector_test

import (
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-5": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "1.5": 0,
		"1000000000": 24 * time.Hour, "99999999999999999999": 0,
		"Mon, 02 Mar 2026 09:00:40 GMT": 40 * time.Second, "Mon, 02 Mar 2026 08:00:00 GMT": 0, "Tue, 02 Mar 2055 08:00:00 GMT": 24 * time.Hour,
	} {
		if got := connector.RetryAfter(header, now); got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"7", "-1", "", "1000000000000", "Wed, 21 Oct 2026 07:28:00 GMT", " 3 "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := connector.RetryAfter(s, time.Unix(1_700_000_000, 0)); d < 0 || d.Hours() > 24 {
			t.Errorf("%q gives %v", s, d)
		}
	})
}
