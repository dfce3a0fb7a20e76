package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

func testShelf(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, *bench){
		"add, change, remove": testShelfItem, "queries": testShelfQueries, "names are unique": testShelfNames,
		"changes at once": testShelfAtOnce, "the first push ends": testShelfState, "refusals change nothing": testShelfRefusal,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, open))
		})
	}
}

func pushed(kind shelf.Kind, id, name string) shelf.Item {
	return shelf.Item{Ref: shelf.Ref{System: "okta", Kind: kind, ID: id}, Name: name, ExternalID: "x-" + id, Document: []byte(`{"n":"` + name + `"}`)}
}

func (b *bench) push(t *testing.T, items ...shelf.Item) {
	t.Helper()
	for _, it := range items {
		if _, err := b.AddShelfItem(t.Context(), it); err != nil {
			t.Fatalf("add %s: %v", it.ID, err)
		}
	}
}

func testShelfItem(t *testing.T, b *bench) {
	it := pushed(shelf.User, "1", "a")
	kept, err := b.AddShelfItem(t.Context(), it)
	if err != nil || kept.Version != 1 || !kept.Created.Equal(b.clock.Now()) || !kept.Changed.Equal(kept.Created) {
		t.Fatalf("added: %+v, %v", kept, err)
	}
	b.clock.Add(time.Minute)
	got, err := b.another(t).UpdateShelfItem(t.Context(), it.Ref, func(old shelf.Item) (shelf.Item, error) {
		if string(old.Document) != string(it.Document) || old.Name != "a" || old.ExternalID != "x-1" {
			t.Errorf("to be changed: %+v", old)
		}
		old.Document, old.Name, old.ExternalID = []byte(`{"n":"b"}`), "b", ""
		return old, nil
	})
	if err != nil || got.Version != 2 || !got.Changed.Equal(b.clock.Now()) || !got.Created.Equal(kept.Created) {
		t.Fatalf("changed: %+v, %v", got, err)
	}
	same, err := b.UpdateShelfItem(t.Context(), it.Ref, func(old shelf.Item) (shelf.Item, error) { return old, nil })
	if err != nil || same.Version != 2 {
		t.Errorf("no difference: %+v, %v", same, err)
	}
	read, err := b.ShelfItem(t.Context(), it.Ref)
	if err != nil || string(read.Document) != `{"n":"b"}` || read.Name != "b" || read.Version != 2 {
		t.Errorf("read: %+v, %v", read, err)
	}
	if err := b.RemoveShelfItem(t.Context(), it.Ref, func(shelf.Item) error { return nil }); err != nil {
		t.Fatal(err)
	}
	tomb, err := b.ShelfItem(t.Context(), it.Ref)
	if err != nil || tomb.Gone.IsZero() || tomb.Document != nil || tomb.Name != "" || tomb.ExternalID != "" {
		t.Errorf("the tombstone: %+v, %v", tomb, err)
	}
	missing := shelf.Ref{System: "okta", Kind: shelf.User, ID: "9"}
	if _, err := b.ShelfItem(t.Context(), missing); fault.KindOf(err) != fault.NotFound {
		t.Errorf("an item that never was: %v", err)
	}
	for _, ref := range []shelf.Ref{it.Ref, missing} {
		if err := b.RemoveShelfItem(t.Context(), ref, func(shelf.Item) error { return nil }); fault.KindOf(err) != fault.NotFound {
			t.Errorf("remove %s: %v", ref.ID, err)
		}
		_, err := b.UpdateShelfItem(t.Context(), ref, func(old shelf.Item) (shelf.Item, error) { return old, nil })
		if fault.KindOf(err) != fault.NotFound {
			t.Errorf("change %s: %v", ref.ID, err)
		}
	}
	b.push(t, pushed(shelf.User, "2", "b")) // the name of one that is gone
	for ever, want := range map[bool]int{false: 1, true: 2} {
		if n, err := b.ShelfCount(t.Context(), shelf.Query{System: "okta", Kind: shelf.User, Ever: ever}); err != nil || n != want {
			t.Errorf("ever %v: counted %d, want %d, %v", ever, n, want, err)
		}
	}
}

func testShelfQueries(t *testing.T, b *bench) {
	other := pushed(shelf.User, "1", "a")
	other.System = "entra"
	under := pushed(shelf.Group, "g_1", "ops")
	under.Document = []byte(`{"members":[{"value":"u_1"}]}`)
	near := pushed(shelf.Group, "g_2", "ops")
	near.Document = []byte(`{"members":[{"value":"ux1"}]}`)
	b.push(t, pushed(shelf.User, "3", "c"), pushed(shelf.User, "1", "a"), pushed(shelf.User, "2", "b"), other, under, near)
	for _, tt := range []struct {
		name  string
		q     shelf.Query
		count int
		want  []string
	}{
		{"all", shelf.Query{Kind: shelf.User, Limit: 9}, 3, []string{"1", "2", "3"}},
		{"a page", shelf.Query{Kind: shelf.User, Limit: 1, Offset: 1}, 3, []string{"2"}},
		{"behind", shelf.Query{Kind: shelf.User, Limit: 9, After: "1"}, 2, []string{"2", "3"}},
		{"by name", shelf.Query{Kind: shelf.User, Limit: 9, Name: "b"}, 1, []string{"2"}},
		{"by external id", shelf.Query{Kind: shelf.User, Limit: 9, ExternalID: "x-3"}, 1, []string{"3"}},
		{"groups of one name", shelf.Query{Kind: shelf.Group, Limit: 9, Name: "ops"}, 2, []string{"g_1", "g_2"}},
		{"mentions", shelf.Query{Kind: shelf.Group, Limit: 9, Mentions: "u_1"}, 1, []string{"g_1"}},
		{"mentions nothing", shelf.Query{Kind: shelf.Group, Limit: 9, Mentions: "%"}, 0, nil},
		{"nobody", shelf.Query{Kind: shelf.User, Limit: 9, Name: "z"}, 0, nil},
	} {
		tt.q.System = "okta"
		items, err := b.ShelfItems(t.Context(), tt.q)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, it := range items {
			ids = append(ids, it.ID)
			if it.System != "okta" || it.Kind != tt.q.Kind || len(it.Document) == 0 {
				t.Errorf("%s: %+v", tt.name, it)
			}
		}
		if !slices.Equal(ids, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, ids, tt.want)
		}
		if n, err := b.ShelfCount(t.Context(), tt.q); err != nil || n != tt.count {
			t.Errorf("%s: counted %d, want %d, %v", tt.name, n, tt.count, err)
		}
	}
}

func testShelfNames(t *testing.T, b *bench) {
	b.push(t, pushed(shelf.User, "1", "a"), pushed(shelf.User, "2", "b"), pushed(shelf.Group, "1", "a"), pushed(shelf.Group, "2", "a"))
	if _, err := b.AddShelfItem(t.Context(), pushed(shelf.User, "3", "a")); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a name twice: %v", err)
	}
	if _, err := b.AddShelfItem(t.Context(), pushed(shelf.User, "1", "z")); fault.KindOf(err) != fault.Conflict {
		t.Errorf("an id twice: %v", err)
	}
	_, err := b.UpdateShelfItem(t.Context(), shelf.Ref{System: "okta", Kind: shelf.User, ID: "2"}, func(old shelf.Item) (shelf.Item, error) {
		old.Name = "a"
		return old, nil
	})
	if fault.KindOf(err) != fault.Conflict {
		t.Errorf("renamed to a name that is taken: %v", err)
	}
}

// testShelfAtOnce changes one item from two processes: nothing is lost.
func testShelfAtOnce(t *testing.T, b *bench) {
	it := pushed(shelf.Group, "1", "a")
	b.push(t, it)
	stores := []interface {
		UpdateShelfItem(ctx context.Context, ref shelf.Ref, change func(shelf.Item) (shelf.Item, error)) (shelf.Item, error)
	}{b.Store, b.another(t)}
	const times = 20
	var wg sync.WaitGroup
	for i := range times {
		wg.Go(func() {
			_, err := stores[i%len(stores)].UpdateShelfItem(t.Context(), it.Ref, func(old shelf.Item) (shelf.Item, error) {
				old.Document = fmt.Appendf(old.Document, ",%02d", i)
				return old, nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got, err := b.ShelfItem(t.Context(), it.Ref)
	if err != nil || got.Version != times+1 || len(got.Document) != len(it.Document)+3*times {
		t.Errorf("after %d changes: version %d, %d bytes, %v", times, got.Version, len(got.Document), err)
	}
}

func testShelfState(t *testing.T, b *bench) {
	look := func() shelf.State {
		t.Helper()
		s, err := b.another(t).ShelfState(t.Context(), "okta")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := look(); s != (shelf.State{}) {
		t.Errorf("before any push: %+v", s)
	}
	start := b.clock.Now()
	b.push(t, pushed(shelf.User, "1", "a"))
	b.clock.Add(time.Minute)
	b.push(t, pushed(shelf.User, "2", "b"))
	if s := look(); !s.First.Equal(start) || !s.Last.Equal(b.clock.Now()) || !s.Settled.IsZero() {
		t.Errorf("after two pushes: %+v", s)
	}
	b.clock.Add(shelf.Quiet)
	if err := b.RemoveShelfItem(t.Context(), shelf.Ref{System: "okta", Kind: shelf.User, ID: "1"}, func(shelf.Item) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if s := look(); !s.First.Equal(start) || !s.Last.Equal(b.clock.Now()) || !s.Settled.Equal(b.clock.Now()) {
		t.Errorf("after an hour without one: %+v", s)
	}
}

func testShelfRefusal(t *testing.T, b *bench) {
	it := pushed(shelf.User, "1", "a")
	b.push(t, it)
	no := errors.New("no")
	if _, err := b.UpdateShelfItem(t.Context(), it.Ref, func(old shelf.Item) (shelf.Item, error) {
		old.Name = "b"
		return old, no
	}); !errors.Is(err, no) {
		t.Errorf("the caller's error of a change: %v", err)
	}
	if err := b.RemoveShelfItem(t.Context(), it.Ref, func(shelf.Item) error { return no }); !errors.Is(err, no) {
		t.Errorf("the caller's error of a removal: %v", err)
	}
	if got, err := b.ShelfItem(t.Context(), it.Ref); err != nil || got.Name != "a" || got.Version != 1 || !got.Gone.IsZero() {
		t.Errorf("after refusals: %+v, %v", got, err)
	}
}
