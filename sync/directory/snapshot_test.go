package directory_test

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/rollcallhq/rollcall/sync/directory"
)

func finish(all []directory.Object) *directory.Snapshot {
	b := directory.NewBuilder("hr", time.Unix(0, 0))
	for _, o := range all {
		b.Add(o)
	}
	snap, _ := b.Finish()
	return snap
}

// TestSnapshotHoldsWhatWasAdded adds objects in any order and asks for all of
// them, and for others.
func TestSnapshotHoldsWhatWasAdded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfNDistinct(objects(), 0, 12, func(o directory.Object) directory.Key { return o.Key }).Draw(t, "objects")
		snap := finish(all)
		shuffled := finish(rapid.Permutation(all).Draw(t, "shuffled"))
		if snap.Digest() != shuffled.Digest() {
			t.Error("the order of adding is in the digest")
		}
		for _, kind := range []directory.Kind{directory.User, directory.Department} {
			var want, got []directory.ID
			for _, o := range all {
				if o.Kind == kind {
					want = append(want, o.ID)
				}
			}
			slices.Sort(want)
			for o := range snap.All(kind) {
				got = append(got, o.ID)
			}
			if !slices.Equal(got, want) || snap.Len(kind) != len(want) {
				t.Errorf("%s: %q, want %q", kind, got, want)
			}
		}
		for _, o := range all {
			if back, ok := snap.Get(o.Key); !ok || back.Digest() != o.Digest() || !snap.Has(o.Key) {
				t.Errorf("%s is not what was added", o.Key)
			}
		}
		strange := objects().Draw(t, "another")
		if there := slices.ContainsFunc(all, func(o directory.Object) bool { return o.Key == strange.Key }); snap.Has(strange.Key) != there {
			t.Errorf("%s is there: %t", strange.Key, !there)
		}
	})
}

// TestSnapshotDigestSeesContentOnly changes what belongs to the digest and what
// does not.
func TestSnapshotDigestSeesContentOnly(t *testing.T) {
	t.Parallel()
	o := directory.Object{Key: directory.Key{Kind: directory.User, ID: "1"}, Attributes: directory.Attributes{"a": directory.TextOf("x")}}
	base := finish([]directory.Object{o}).Digest()
	b := directory.NewBuilder("other", time.Now())
	b.Add(o)
	b.Health().Pages = 7
	b.Incomplete("page 8 failed")
	if snap, _ := b.Finish(); snap.Digest() != base {
		t.Error("system, time and health are in the digest")
	}
	changed := o
	changed.Attributes = directory.Attributes{"a": directory.TextOf("y")}
	department := o
	department.Kind = directory.Department
	for name, all := range map[string][]directory.Object{"nothing": nil, "value": {changed}, "kind": {department}, "one more": {o, department}} {
		if finish(all).Digest() == base {
			t.Errorf("%s is not in the digest", name)
		}
	}
}

// TestRepeatedIDs sees that the first object counts, that each repetition is
// named, and that the snapshot proves no absence any more.
func TestRepeatedIDs(t *testing.T) {
	t.Parallel()
	user := func(id directory.ID, name string) directory.Object {
		return directory.Object{Key: directory.Key{Kind: directory.User, ID: id}, Attributes: directory.Attributes{"name": directory.TextOf(name)}}
	}
	department := user("b", "部门")
	department.Kind = directory.Department
	b := directory.NewBuilder("hr", time.Unix(0, 0))
	for _, o := range []directory.Object{user("b", "first"), user("a", "only"), user("b", "second"), department, user("b", "third"), user("B", "other case")} {
		b.Add(o)
	}
	if b.Len(directory.User) != 5 {
		t.Errorf("%d users on the way", b.Len(directory.User))
	}
	snap, twice := b.Finish()
	if want := []directory.Key{{Kind: directory.User, ID: "b"}, {Kind: directory.User, ID: "b"}}; !slices.Equal(twice, want) {
		t.Errorf("%v", twice)
	}
	if o, _ := snap.Get(directory.Key{Kind: directory.User, ID: "b"}); o.Name() != "first" {
		t.Errorf("%s counts", o.Name())
	}
	if snap.Complete() || !strings.Contains(snap.Health.PartialFor, "b") || snap.Len(directory.User) != 3 || snap.Len(directory.Department) != 1 {
		t.Errorf("%+v, %d users", snap.Health, snap.Len(directory.User))
	}
}

func TestIncompleteKeepsTheFirstReason(t *testing.T) {
	t.Parallel()
	b := directory.NewBuilder("hr", time.Unix(0, 0))
	if snap := finish(nil); !snap.Complete() {
		t.Error("an empty listing is complete until somebody says otherwise")
	}
	b.Incomplete("page %d failed", 3)
	b.Incomplete("page %d failed", 4)
	snap, twice := b.Finish()
	if snap.Complete() || snap.Health.PartialFor != "page 3 failed" || twice != nil {
		t.Errorf("%+v, %v", snap.Health, twice)
	}
}

// TestLargeObjects adds objects that are larger than what is left, and than all
// that is ever allocated at once.
func TestLargeObjects(t *testing.T) {
	t.Parallel()
	var all []directory.Object
	for i, size := range []int{1, 20 << 10, 1 << 20, 3 << 20, 5, 1<<20 - 1, 16 << 10, 7} {
		all = append(all, directory.Object{
			Key:        directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprint(i))},
			Attributes: directory.Attributes{"a": directory.TextOf(strings.Repeat(string(rune('a'+i)), size))},
		})
	}
	snap := finish(all)
	for _, o := range all {
		if back, _ := snap.Get(o.Key); back.Digest() != o.Digest() {
			t.Errorf("%s is damaged", o.Key)
		}
	}
	n := 0
	for record := range snap.Records(directory.User) {
		if _, err := directory.DecodeObject(record); err != nil {
			t.Error(err)
		}
		n += len(record)
	}
	if n < 5<<20 {
		t.Errorf("%d bytes", n)
	}
}

// TestAllStops sees that a reader may stop early.
func TestAllStops(t *testing.T) {
	t.Parallel()
	var all []directory.Object
	for i := range 10 {
		all = append(all, directory.Object{Key: directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprint(i))}})
	}
	n := 0
	for o := range finish(all).All(directory.User) {
		if n++; o.ID == "3" {
			break
		}
	}
	if n != 4 {
		t.Errorf("%d were read", n)
	}
}

// TestWhatIsReadMayBeChanged changes what a snapshot gave, and asks again.
func TestWhatIsReadMayBeChanged(t *testing.T) {
	t.Parallel()
	key := directory.Key{Kind: directory.User, ID: "1"}
	added := directory.Attributes{"a": directory.TextOf("x")}
	snap := finish([]directory.Object{{Key: key, Attributes: added}})
	added["a"] = directory.TextOf("changed after Add")
	o, _ := snap.Get(key)
	o.Attributes["a"] = directory.TextOf("changed after Get")
	if again, _ := snap.Get(key); again.Attributes["a"].Text() != "x" {
		t.Errorf("%q", again.Attributes["a"])
	}
}

func bigObject(i int) directory.Object {
	a := make(directory.Attributes, 12)
	for j := range 10 {
		a[fmt.Sprintf("attribute_%d", j)] = directory.TextOf(fmt.Sprintf("value %d of %d", j, i))
	}
	a["departments"] = directory.RefsToKind(directory.Department, directory.ID(fmt.Sprint(i/50)))
	a["hired"] = directory.DateOf(time.Unix(int64(i)*86400, 0).UTC())
	return directory.Object{Key: directory.Key{Kind: directory.User, ID: directory.ID(fmt.Sprintf("%08d", i))}, Active: true, Attributes: a}
}

func heap() uint64 {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// BenchmarkBuilder builds snapshots of users with twelve attributes. held-B/user
// is what the finished snapshot keeps for one.
func BenchmarkBuilder(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all := make([]directory.Object, n)
			for i := range all {
				all[i] = bigObject(i)
			}
			before := heap()
			b.ReportAllocs()
			var snap *directory.Snapshot
			for b.Loop() {
				snap = finish(all)
			}
			b.ReportMetric(float64(heap()-before)/float64(n), "held-B/user")
			if snap.Len(directory.User) != n {
				b.Fatal(snap.Len(directory.User))
			}
			runtime.KeepAlive(all)
		})
	}
}

// BenchmarkDecode reads every object of a snapshot.
func BenchmarkDecode(b *testing.B) {
	const n = 100_000
	all := make([]directory.Object, n)
	for i := range all {
		all[i] = bigObject(i)
	}
	snap := finish(all)
	b.ReportAllocs()
	for b.Loop() {
		read := 0
		for o := range snap.All(directory.User) {
			read += len(o.Attributes)
		}
		if read != 12*n {
			b.Fatal(read)
		}
	}
}
