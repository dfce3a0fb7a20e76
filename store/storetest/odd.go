package storetest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// odd is what a platform or a system may say: no database may refuse to remember it.
const odd = "坏\x00了 \xe5\x9d cut in a rune"

// testOdd: texts from outside are no reason to lose a message, or a journal line.
func testOdd(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, *bench){
		"messages": testOddMessages, "journal": testOddJournal, "shelf": testOddShelf,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, open))
		})
	}
}

func testOddMessages(t *testing.T, b *bench) {
	ctx := t.Context()
	for i, want := range []bool{true, false} {
		if got, err := b.Claim(ctx, odd, []byte(odd)); err != nil || got != want {
			t.Errorf("claim %d: %v, %v", i, got, err)
		}
	}
	all, err := b.Unhandled(ctx, 10)
	if err != nil || len(all) != 1 || string(all[0].Payload) != odd {
		t.Fatalf("%+v, %v", all, err)
	}
	letter := run.Letter{ID: odd, Lane: odd, Subject: odd, Payload: []byte(odd)}
	if err := b.Handled(ctx, all[0].ID, []run.Letter{letter}); err != nil {
		t.Errorf("handled: %v", err)
	}
	if all, err = b.Unhandled(ctx, 10); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	if out, err := b.Outbox(ctx, run.Pick{Limit: 10}); err != nil || len(out) != 1 || string(out[0].Payload) != odd {
		t.Errorf("%+v, %v", out, err)
	} else if err := b.Sent(ctx, out[0], odd, odd); err != nil {
		t.Errorf("sent: %v", err)
	}
	value, err := json.Marshal(odd)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Set(ctx, run.Setting{Kind: run.SettingKind("k"), Name: odd, Value: value, By: person(odd)}); err != nil {
		t.Errorf("set: %v", err)
	}
	if _, err := b.Tally(ctx, odd, 1); err != nil {
		t.Errorf("tally: %v", err)
	}
}

func testOddJournal(t *testing.T, b *bench) {
	ctx := t.Context()
	lease := b.lease(t, "w1")
	r := b.planned(t, lease, 2, run.Applying)
	mark := func(e run.Entry) {
		t.Helper()
		e.Run, e.Seq = r.Code, 1
		if err := b.Mark(ctx, lease, []run.Entry{e}, nil); err != nil {
			t.Fatalf("mark %s: %v", e.Step, err)
		}
	}
	mark(run.Entry{Step: run.StepSending})
	mark(run.Entry{Step: run.StepDone, Say: odd, Key: directory.Key{Kind: directory.User, ID: odd}})
	all, err := b.Entries(ctx, r.Code)
	if err != nil || all[0].Step != run.StepDone || !strings.HasSuffix(all[0].Say, "cut in a rune") {
		t.Errorf("%+v, %v", all, err)
	}
	if err := b.Append(ctx, run.Event{Run: r.Code, Kind: run.EventAlarm, Say: odd}, run.Audit{Action: "x", Detail: odd, Who: person(odd)}); err != nil {
		t.Errorf("append: %v", err)
	}
	if events, err := b.Events(ctx, odd, 100); err != nil || !strings.HasSuffix(events[len(events)-1].Say, "cut in a rune") {
		t.Errorf("%+v, %v", events, err)
	}
}

func testOddShelf(t *testing.T, b *bench) {
	ctx := t.Context()
	ref := shelf.Ref{System: "idp", Kind: shelf.User, ID: odd}
	if _, err := b.AddShelfItem(ctx, shelf.Item{Ref: ref, Name: odd, ExternalID: odd, Document: []byte(`{"a":"b"}`), Created: time.Time{}}); err != nil {
		t.Fatalf("add: %v", err)
	}
	if it, err := b.ShelfItem(ctx, ref); err != nil || it.Version != 1 {
		t.Errorf("%+v, %v", it, err)
	}
	for what, q := range map[string]shelf.Query{
		"by name": {Name: odd}, "by external id": {ExternalID: odd}, "after": {After: odd}, "mentions": {Mentions: odd},
	} {
		q.System, q.Kind, q.Limit = ref.System, ref.Kind, 10
		want := 1
		if q.After != "" || q.Mentions != "" {
			want = 0
		}
		if all, err := b.ShelfItems(ctx, q); err != nil || len(all) != want {
			t.Errorf("%s: %d found, %v", what, len(all), err)
		}
	}
}
