package rosterfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "roster.csv")
	onDisk := func(o *Options) { o.Open = nil }
	c := connect(t, path, newDisk(""), onDisk)
	_, err := c.Read(t.Context())
	wantFault(t, err, fault.Invalid, "roster.csv is not there")
	must(t, os.WriteFile(path, []byte("工号,姓名\n1,a\n"), 0o600))
	if s := mustRead(t, c); s.Len(directory.User) != 1 || !s.Complete() {
		t.Errorf("%d users, partial for %q", s.Len(directory.User), s.Health.PartialFor)
	}
	must(t, c.Probe(t.Context()))
	must(t, os.Rename(path, filepath.Join(dir, "old.csv")))
	wantFault(t, c.Probe(t.Context()), fault.Invalid, "not there")
	must(t, os.Mkdir(path, 0o700))
	wantFault(t, c.Probe(t.Context()), fault.Invalid, "not a regular file")
}

func TestUnreadableFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(d *disk)
		kind    fault.Kind
		part    string
		retries int // opens of a file that is refused at once: 1
	}{
		"missing":      {func(d *disk) { d.err = fs.ErrNotExist }, fault.Invalid, "not there", 1},
		"permission":   {func(d *disk) { d.err = fs.ErrPermission }, fault.Credential, "may not be read", 1},
		"broken disk":  {func(d *disk) { d.err = errors.New("input/output error") }, fault.Unavailable, "cannot be read", 2},
		"breaks off":   {func(d *disk) { d.readErr = -1 }, fault.Unavailable, "cannot be read", 2},
		"shorter":      {func(d *disk) { d.cut = true }, fault.Unavailable, "being written", 2},
		"folder":       {func(d *disk) { d.stat = func(i fs.FileInfo) fs.FileInfo { return info{dir: true} } }, fault.Invalid, "regular", 1},
		"far too long": {func(d *disk) { d.stat = func(fs.FileInfo) fs.FileInfo { return info{size: maxFile + 1} } }, fault.Invalid, "larger", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(plainRoster)
			c.change(d)
			conn := connect(t, "/srv/roster.csv", d, nil)
			_, err := conn.Read(t.Context())
			wantFault(t, err, c.kind, c.part)
			if d.opens != c.retries {
				t.Errorf("opened %d times, want %d", d.opens, c.retries)
			}
			_, err = conn.Lookup(t.Context(), directory.User, []directory.ID{"0001"})
			wantFault(t, err, c.kind, c.part)
		})
	}
}

// TestWrittenMeanwhile changes the file at the worst moments: what comes is the
// whole of one content, or nothing.
func TestWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	const longer = plainRoster + "0003,王五,13800000003,,,,,\n"
	same := strings.ReplaceAll(plainRoster, "张三", "张四")
	for name, text := range map[string]string{"longer": longer, "shorter": plainRoster[:40], "as long": same} {
		t.Run("in the middle, "+name, func(t *testing.T) {
			t.Parallel()
			d := newDisk(plainRoster)
			d.onRead = func(d *disk) { d.put(text, epoch.Add(-time.Minute)) }
			_, err := connect(t, "roster.csv", d, nil).Read(t.Context())
			if name == "shorter" { // a header that breaks off
				wantFault(t, err, fault.Invalid, "")
				return
			}
			must(t, err)
			if d.opens < 3 {
				t.Errorf("opened %d times: the change went unseen", d.opens)
			}
		})
	}
	t.Run("same size and time", func(t *testing.T) {
		t.Parallel()
		d := newDisk(plainRoster)
		d.mod = epoch
		d.onWait = func(d *disk) { d.put(same, epoch) }
		s := mustRead(t, connect(t, "roster.csv", d, nil))
		wantAttrs(t, s, "0001", map[string]string{"name": "text:张四"})
		if s.Health.Retries != 1 {
			t.Errorf("%d retries", s.Health.Retries)
		}
	})
	t.Run("for ever", func(t *testing.T) {
		t.Parallel()
		d := newDisk(plainRoster)
		d.mod = epoch
		d.onWait = func(d *disk) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.data, d.mod = append(d.data, "x\n"...), d.now
		}
		_, err := connect(t, "roster.csv", d, nil).Read(t.Context())
		wantFault(t, err, fault.Unavailable, "being written")
	})
}

// TestSettle checks that a file which was written just now is given time.
func TestSettle(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age    time.Duration
		settle time.Duration
		want   []time.Duration
	}{
		"old":        {time.Hour, 0, nil},
		"fresh":      {time.Millisecond, 0, []time.Duration{time.Second}},
		"tomorrow":   {-24 * time.Hour, 0, []time.Duration{time.Second}},
		"told":       {5 * time.Second, 10 * time.Second, []time.Duration{10 * time.Second}},
		"told never": {0, -1, nil},
	} {
		d := newDisk(plainRoster)
		d.mod = epoch.Add(-c.age)
		mustRead(t, connect(t, "roster.csv", d, func(o *Options) { o.Settle = c.settle }))
		if !slices.Equal(d.waits, c.want) {
			t.Errorf("%s: waited %v, want %v", name, d.waits, c.want)
		}
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	d := newDisk(plainRoster)
	d.mod = epoch
	ctx, cancel := context.WithCancel(t.Context())
	d.onWait = func(*disk) { cancel() }
	c := connect(t, "roster.csv", d, nil)
	_, err := c.Read(ctx)
	wantFault(t, err, fault.Unavailable, "interrupted")
	_, err = c.Lookup(ctx, directory.User, []directory.ID{"1"})
	wantFault(t, err, fault.Unavailable, "interrupted")
	for name, parse := range map[string]func(context.Context) error{
		"csv": func(ctx context.Context) error { _, err := c.csvTable(ctx, []byte(plainRoster)); return err },
		"xlsx": func(ctx context.Context) error {
			_, err := c.xlsxTable(ctx, []byte(handmade(t, sheetHead+`<x:row r="1024"/>`, nil)))
			return err
		},
	} {
		if err := parse(ctx); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	d := newDisk(plainRoster)
	c := connect(t, "roster.csv", d, nil)
	if s := lookUp(t, c, directory.User, "0001"); s.Presence != connector.Present || s.Object.Name() != "张三" {
		t.Errorf("%+v", s)
	}
	opens := d.opens
	if s := lookUp(t, c, directory.User, "0009"); s.Presence != connector.Gone {
		t.Errorf("%+v", s)
	}
	if d.opens != opens+1 {
		t.Errorf("%d looks at an unchanged file", d.opens-opens)
	}
	for id, want := range map[string]connector.Presence{"/总部": connector.Present, "/总部/研发部": connector.Present, "/北方": connector.Gone} {
		if s := lookUp(t, c, directory.Department, id); s.Presence != want {
			t.Errorf("%s: %+v", id, s)
		}
	}
	// An edit in the same second, of the same size: only the content tells.
	d.put(strings.ReplaceAll(plainRoster, "0001,张三", "0003,张三"), d.mod)
	if s := lookUp(t, c, directory.User, "0001"); s.Presence != connector.Gone {
		t.Errorf("after the edit: %+v", s)
	}
	if s := lookUp(t, c, directory.User, "0003"); s.Presence != connector.Present {
		t.Errorf("after the edit: %+v", s)
	}
}

func TestLookupUnsure(t *testing.T) {
	t.Parallel()
	d := newDisk("工号,姓名\n1,a\n2\n3,c\n3,d\n,e\n")
	c := connect(t, "roster.csv", d, nil)
	for id, part := range map[string]string{"2": "row 3: ", "3": "rows 4, 5", "9": "4 places"} {
		s := lookUp(t, c, directory.User, id)
		if s.Presence != connector.Unsure || !strings.Contains(s.Why, part) {
			t.Errorf("%s: %+v", id, s)
		}
		bilingual(t, s.Why)
	}
	if s := lookUp(t, c, directory.User, "1"); s.Presence != connector.Present {
		t.Errorf("%+v", s)
	}
	if s := lookUp(t, c, directory.Department, "/x"); s.Presence != connector.Unsure {
		t.Errorf("%+v", s)
	}
	partial := connect(t, "roster.csv", newDisk("工号\n1\n"), func(o *Options) { o.Contents = Partial })
	if s := lookUp(t, partial, directory.User, "9"); s.Presence != connector.Unsure || !strings.Contains(s.Why, "partial") {
		t.Errorf("%+v", s)
	}
}

// TestSnapshotsStay checks that a snapshot does not change when the file does.
func TestSnapshotsStay(t *testing.T) {
	t.Parallel()
	d := newDisk(plainRoster)
	c := connect(t, "roster.csv", d, nil)
	first := mustRead(t, c)
	digest := first.Digest()
	d.mu.Lock()
	d.now = d.now.Add(time.Hour)
	d.mu.Unlock()
	again := mustRead(t, c)
	if again.Digest() != digest || !again.TakenAt.Equal(first.TakenAt.Add(time.Hour)) {
		t.Errorf("read again: digest %s, taken at %s", again.Digest().Short(), again.TakenAt)
	}
	d.put("工号\n9\n", epoch)
	if second := mustRead(t, c); second.Digest() == digest || first.Digest() != digest {
		t.Error("the change is not seen, or it changed the first snapshot")
	}
}
