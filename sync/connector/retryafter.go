package connector

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads the HTTP header of that name (RFC 9110 §10.2.3): seconds, or a
// date, which is held against now. Anything else gives 0, which means not said. The
// result is at most a day.
func RetryAfter(header string, now time.Time) time.Duration {
	const day = 24 * time.Hour
	header = strings.TrimSpace(header)
	if at, err := http.ParseTime(header); err == nil {
		return min(max(0, at.Sub(now)), day)
	}
	seconds, err := strconv.ParseInt(header, 10, 64)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int64(day/time.Second))) * time.Second
}
