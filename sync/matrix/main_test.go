package matrix

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain sees that the tests leave no goroutine behind, and stops the server that
// tests share.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if loggedSlapd.stop != nil {
			loggedSlapd.stop()
		}
		os.Exit(code)
	}))
}
