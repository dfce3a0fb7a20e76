package storetest

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// sample gives a complete snapshot of n users.
func (b *bench) sample(n int) *directory.Snapshot {
	build := directory.NewBuilder("hr", b.clock.Now())
	build.Add(directory.Object{Key: directory.Key{Kind: directory.Department, ID: "d1"}, Active: true, Attributes: directory.Attributes{"name": directory.TextOf("研发部")}})
	for i := range n {
		build.Add(directory.Object{Key: userKey(fmt.Sprint("u", i)), Active: i%3 > 0, Attributes: directory.Attributes{
			"name": directory.TextOf(fmt.Sprint("员工", i)), "mobile": directory.Hidden("contact:mobile"),
			"departments": directory.RefsToKind(directory.Department, "d1"), "age": directory.IntOf(int64(i)),
		}})
	}
	*build.Health() = directory.Health{Departments: 1, Pages: 7, Retries: 1, Scope: "s", Hidden: []string{"contact:mobile"}}
	snap, _ := build.Finish()
	return snap
}

// testOlderSnapshot sees that a worker that stood still puts no older listing over a newer
// one, and that a listing of the future keeps out no other.
func testOlderSnapshot(t *testing.T, b *bench) {
	other := &bench{Store: b.another(t), clock: b.clock, dir: b.dir}
	const name = "older"
	older := b.sample(4)
	b.clock.Add(time.Minute)
	newer := b.sample(7)
	save := func(what string, by *bench, snap *directory.Snapshot, want int) {
		t.Helper()
		if err := by.SaveSnapshot(t.Context(), name, snap); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		got, ok, err := b.LastSnapshot(t.Context(), name)
		if err != nil || !ok || got.Len(directory.User) != want {
			t.Fatalf("%s: %v, %v, %v; want %d people", what, got, ok, err, want)
		}
	}
	save("the first", other, newer, 7)
	save("an older one", b, older, 7)
	save("one of the same time", b, b.sample(8), 8)
	b.clock.Add(time.Hour)
	save("a newer one", b, b.sample(9), 9)
	b.clock.Add(-30 * time.Minute) // somebody's clock was wrong, and is set
	save("after one of the future", b, b.sample(5), 5)
	if files, err := filepath.Glob(filepath.Join(b.dir, "snapshots", "*.tmp-*")); err != nil || len(files) != 0 {
		t.Errorf("left behind: %v, %v", files, err)
	}
}

func testSnapshots(t *testing.T, open Opener) {
	testOlderSnapshot(t, setup(t, open))
	b := setup(t, open)
	const odd = "../人事 → 企业微信"
	for _, name := range []string{flow, odd} {
		if _, ok, err := b.LastSnapshot(t.Context(), name); ok || err != nil {
			t.Errorf("%s: a snapshot before the first: %v, %v", name, ok, err)
		}
		for _, n := range []int{10, 3000, 0} { // each replaces the one before
			want := b.sample(n)
			if err := b.SaveSnapshot(t.Context(), name, want); err != nil {
				t.Fatal(err)
			}
			got, ok, err := b.another(t).LastSnapshot(t.Context(), name)
			if err != nil || !ok {
				t.Fatalf("%s: %v, %v", name, ok, err)
			}
			if got.Digest() != want.Digest() || got.Len(directory.User) != n || got.System != "hr" ||
				!got.TakenAt.Equal(want.TakenAt) || !reflect.DeepEqual(got.Health, want.Health) {
				t.Errorf("%s: %d users, health %+v; want %d, %+v", name, got.Len(directory.User), got.Health, n, want.Health)
			}
		}
	}
	partial := directory.NewBuilder("hr", b.clock.Now())
	partial.Incomplete("page 3 failed / 第 3 页失败")
	snap, _ := partial.Finish()
	wantKind(t, "an incomplete snapshot", b.SaveSnapshot(t.Context(), flow, snap), fault.Invalid)
	if got, ok, err := b.LastSnapshot(t.Context(), flow); err != nil || !ok || !got.Complete() {
		t.Errorf("the complete one is lost: %v, %v", ok, err)
	}
	want := 2 // one for each flow
	if _, err := os.Stat(filepath.Join(b.dir, "rollcall.db")); err != nil {
		want = 0 // the record is elsewhere, and the snapshots are in it
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "snapshots", "*"))
	if err != nil || len(files) != want {
		t.Fatalf("files %v, %v; want %d", files, err, want)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %s, %v", path, info.Mode(), err)
		}
	}
}
