package sdktest

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain sees that the tests leave no goroutine behind. Each client of the SDK
// has a cache whose goroutine a finalizer ends: with the garbage, at some time.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/larksuite/oapi-sdk-go/v3/cache.(*cron).start"))
}
