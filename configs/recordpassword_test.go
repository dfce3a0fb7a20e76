package configs

import (
	"strings"
	"testing"
)

// TestRecordPasswordWithAStroke tells of a password whose special characters are not
// escaped: the rest of it would be taken for host and database.
func TestRecordPasswordWithAStroke(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://rollcall:p@ss/canary@127.0.0.1:5432/rollcall",
		"postgres://rollcall:12/34@db.example.com/rollcall?sslmode=verify-full",
	} {
		_, err := Parse([]byte("record: "+url+"\n"), Options{Path: "c.yaml"})
		if err == nil || !strings.Contains(err.Error(), "%XX") || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "another host") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
