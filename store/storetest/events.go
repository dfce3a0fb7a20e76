package storetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func testEvents(t *testing.T, open Opener) {
	b := setup(t, open)
	second := &bench{Store: b.another(t)}
	var group sync.WaitGroup
	const all = 30
	for i := range all {
		group.Go(func() {
			to := []*bench{b, second}[i%2]
			if err := to.Append(t.Context(), run.Event{Run: "7K3MQ2", Kind: run.EventProgress, Say: fmt.Sprint(i)}, run.Audit{}); err != nil {
				t.Errorf("append: %v", err)
			}
		})
	}
	group.Wait()
	var seqs []int64
	for {
		events, err := b.Events(t.Context(), "bot", 7)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) == 0 {
			break
		}
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
		last := seqs[len(seqs)-1]
		if err := b.Advance(t.Context(), "bot", last, []run.Letter{{ID: fmt.Sprint("event:", last)}}); err != nil {
			t.Fatal(err)
		}
		wantKind(t, "advance twice", second.Advance(t.Context(), "bot", last, []run.Letter{{ID: fmt.Sprint("double:", last)}}), fault.Conflict)
	}
	if len(seqs) != all || !slices.IsSorted(seqs) || seqs[0] != 1 || seqs[all-1] != all {
		t.Errorf("events %v, want 1 to %d", seqs, all)
	}
	if got := b.due(t); len(got) != (all+6)/7 || strings.Contains(strings.Join(got, ""), "double") {
		t.Errorf("letters %v", got)
	}
	if events, err := b.Events(t.Context(), "other", 100); err != nil || len(events) != all {
		t.Errorf("another reader sees %d, %v", len(events), err)
	}
	if err := b.Append(t.Context(), run.Event{}, run.Audit{Who: person("周凯"), Action: "vote.refused", Run: "7K3MQ2", Detail: "late"}); err != nil {
		t.Fatal(err)
	}
	trail, err := b.AuditTrail(t.Context(), "7K3MQ2")
	want := run.Audit{At: b.clock.Now(), Who: person("周凯"), Action: "vote.refused", Run: "7K3MQ2", Detail: "late"}
	if err != nil || len(trail) != 1 || trail[0] != want {
		t.Errorf("audit %+v, %v", trail, err)
	}
	if events, err := b.Events(t.Context(), "bot", 9); err != nil || len(events) != 0 {
		t.Errorf("an audit row alone made events %v, %v", events, err)
	}
}
