package rosterfile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/rosterfile"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// TestWatchTellsOfAnotherFileOnceItIsWhole lets a file change in every way between
// two looks, and counts what is told.
func TestWatchTellsOfAnotherFileOnceItIsWhole(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "roster.csv")
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	write := func(text string) {
		t.Helper()
		at = at.Add(time.Second)
		if err := errors.Join(os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	write("工号,姓名\n1,甲\n")
	var told, looks int
	steps := []struct {
		name string
		do   func()
		want int // told so far, after this look
	}{
		{"nothing", func() {}, 0},
		{"begins to be written", func() { write("工号,姓名\n1,甲\n2") }, 0},
		{"goes on", func() { write("工号,姓名\n1,甲\n2,乙\n") }, 0},
		{"is left alone", func() {}, 1},
		{"stays", func() {}, 1},
		{"vanishes", func() {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}, 1},
		{"stays away", func() {}, 1},
		{"is back", func() { write("工号,姓名\n1,甲\n") }, 1},
		{"and whole", func() {}, 2},
		{"the end", func() {}, 2},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, err := rosterfile.New(rosterfile.Options{
		System: "hr", Path: path, ID: "工号", Contents: rosterfile.Full, Now: func() time.Time { return at },
		Sleep: func(ctx context.Context, _ time.Duration) error {
			if looks > 0 && told != steps[looks-1].want {
				t.Errorf("after “%s” %d changes are told, want %d", steps[looks-1].name, told, steps[looks-1].want)
			}
			if looks == len(steps) {
				cancel()
				return ctx.Err()
			}
			steps[looks].do()
			looks++
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Watch(ctx, func(hints []directory.Hint) {
		if len(hints) != 1 || hints[0] != (directory.Hint{}) {
			t.Errorf("told %+v", hints)
		}
		told++
	})
	if err != nil || looks != len(steps) {
		t.Errorf("%v after %d looks", err, looks)
	}
}
