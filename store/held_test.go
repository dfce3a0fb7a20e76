package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// TestHeldRecordSaysWho has another connection hold the record: who works on it is told
// that somebody does, and who opens it, where it stands as well.
func TestHeldRecordSaysWho(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a / b") // the sentence is parted by " / "
	o := Options{Dir: dir, Now: time.Now}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	conn, err := s.reader.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), `PRAGMA query_only=0`); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_, _ = conn.ExecContext(t.Context(), `ROLLBACK`)
		_ = conn.Close()
	}()
	err = s.Ping(t.Context())
	say := fault.Say(err)
	if fault.KindOf(err) != fault.Unavailable || !strings.Contains(fault.In(say, "en"), "another process holds it") || !strings.Contains(fault.In(say, "zh"), "被另一个进程占用") || strings.Contains(say, dir) {
		t.Errorf("at work: %v", err)
	}
	opened := s.heldAt(err)
	say = fault.Say(opened)
	for lang, want := range map[string]string{"en": "another process holds " + filepath.Join(dir, recordFile) + "; end it", "zh": filepath.Join(dir, recordFile) + " 被另一个进程占用；请结束"} {
		if fault.KindOf(opened) != fault.Unavailable || !strings.Contains(fault.In(say, lang), want) {
			t.Errorf("opening, %s: %q", lang, fault.In(say, lang))
		}
	}
	if other := fault.New(fault.Invalid, "no / 不"); !errors.Is(s.heldAt(other), other) {
		t.Error("another fault is changed")
	}
}
