package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func testInbox(t *testing.T, open Opener) {
	t.Run("fifty claims of one message", func(t *testing.T) {
		t.Parallel()
		testClaimOnce(t, setup(t, open))
	})
	t.Run("handled with its answers", func(t *testing.T) {
		t.Parallel()
		testHandled(t, setup(t, open))
	})
	t.Run("prune", func(t *testing.T) {
		t.Parallel()
		testPrune(t, setup(t, open))
	})
	t.Run("last claim", func(t *testing.T) {
		t.Parallel()
		testLastClaim(t, setup(t, open))
	})
}

func testLastClaim(t *testing.T, b *bench) {
	last := func(from, before string) (time.Time, bool) {
		t.Helper()
		at, there, err := b.LastClaim(t.Context(), from, before)
		if err != nil {
			t.Fatal(err)
		}
		return at, there
	}
	if at, there := last("feishu:", "feishu;"); there {
		t.Errorf("nothing was claimed, last at %v", at)
	}
	var claimed []time.Time
	for _, id := range []string{"feishu:om_1", "feishu:0a1b", "dingtalk:msg1"} {
		b.clock.Add(time.Minute)
		if _, err := b.Claim(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
		claimed = append(claimed, b.clock.Now())
	}
	for _, tt := range []struct {
		from, before string
		want         time.Time
	}{
		{"feishu:om_", "feishu:om`", claimed[0]},
		{"feishu:", "feishu;", claimed[1]},
		{"dingtalk:", "dingtalk;", claimed[2]},
	} {
		if at, there := last(tt.from, tt.before); !there || !at.Equal(tt.want) {
			t.Errorf("from %s: %v, %t; want %v", tt.from, at, there, tt.want)
		}
	}
	if at, there := last("wecom:", "wecom;"); there {
		t.Errorf("another platform: %v", at)
	}
}

func testClaimOnce(t *testing.T, b *bench) {
	claims := []*bench{b, {Store: b.another(t)}}
	var group sync.WaitGroup
	var mu sync.Mutex
	firsts := 0
	for i := range 50 {
		group.Go(func() {
			first, err := claims[i%2].Claim(t.Context(), "feishu:om_1", []byte("同步"))
			for fault.KindOf(err) == fault.Unavailable { // the machine is slow: the platform sends again
				first, err = claims[i%2].Claim(t.Context(), "feishu:om_1", []byte("同步"))
			}
			if err != nil {
				t.Errorf("claim: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if first {
				firsts++
			}
		})
	}
	group.Wait()
	if firsts != 1 {
		t.Errorf("%d claims are the first", firsts)
	}
	if ids := b.unhandled(t); !slices.Equal(ids, []string{"feishu:om_1"}) {
		t.Errorf("unhandled %v", ids)
	}
	_, err := b.Claim(t.Context(), "", nil)
	wantKind(t, "no id", err, fault.Invalid)
}

func (b *bench) unhandled(t *testing.T) []string {
	t.Helper()
	letters, err := b.Unhandled(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	return ids(letters)
}

// due gives the letters that can be taken now, and gives them back.
func (b *bench) due(t *testing.T) []string {
	t.Helper()
	letters := b.takes(t, run.Pick{Limit: 100})
	for _, l := range letters {
		if err := b.Delay(t.Context(), l, l.Due); err != nil {
			t.Fatal(err)
		}
	}
	return ids(letters)
}

func (b *bench) takes(t *testing.T, pick run.Pick) []run.Letter {
	t.Helper()
	letters, err := b.Outbox(t.Context(), pick)
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

func ids(letters []run.Letter) []string {
	var all []string
	for _, l := range letters {
		all = append(all, l.ID)
	}
	return all
}

func (b *bench) claim(t *testing.T, id string, payload []byte) bool {
	t.Helper()
	first, err := b.Claim(t.Context(), id, payload)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func testHandled(t *testing.T, b *bench) {
	for _, id := range []string{"z", "a", "m"} { // their order is the order of claiming
		if !b.claim(t, id, nil) {
			t.Errorf("%s is not the first", id)
		}
	}
	b.claim(t, "bytes", []byte{0, 255, '\n'})
	letters, err := b.Unhandled(t.Context(), 2)
	if err != nil || !slices.Equal(ids(letters), []string{"z", "a"}) || !letters[0].At.Equal(b.clock.Now()) {
		t.Errorf("oldest two %+v, %v", letters, err)
	}
	answers := []run.Letter{{ID: "z:1", Lane: "chat", Payload: []byte("收到")}, {ID: "z:2", Lane: "chat"}}
	for range 2 { // once more after a lost answer
		if err := b.Handled(t.Context(), "z", answers); err != nil {
			t.Fatal(err)
		}
	}
	if b.claim(t, "z", nil) {
		t.Error("a handled message can be claimed again")
	}
	if left := b.unhandled(t); !slices.Equal(left, []string{"a", "m", "bytes"}) {
		t.Errorf("unhandled %v", left)
	}
	wantKind(t, "never claimed", b.Handled(t.Context(), "nope", []run.Letter{{ID: "nope:1"}}), fault.NotFound)
	wantKind(t, "a letter without id", b.Handled(t.Context(), "a", []run.Letter{{ID: "a:1"}, {}}), fault.Invalid)
	if left := b.unhandled(t); !slices.Equal(left, []string{"a", "m", "bytes"}) {
		t.Errorf("a refused answer marked the message: %v", left)
	}
	out, err := b.Outbox(t.Context(), run.Pick{Limit: 10})
	if err != nil || len(out) != 1 || out[0].ID != "z:1" || string(out[0].Payload) != "收到" || out[0].Lane != "chat" || !out[0].At.Equal(b.clock.Now()) {
		t.Errorf("outbox %+v, %v", out, err)
	}
	letters, _ = b.Unhandled(t.Context(), 10)
	if got := letters[len(letters)-1].Payload; string(got) != string([]byte{0, 255, '\n'}) {
		t.Errorf("payload %q", got)
	}
}

func testPrune(t *testing.T, b *bench) {
	b.claim(t, "handled", nil)
	b.claim(t, "waiting", nil)
	if err := b.Handled(t.Context(), "handled", []run.Letter{{ID: "sent"}, {ID: "failed"}, {ID: "due"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Sent(t.Context(), run.Letter{ID: "sent"}, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := b.Fail(t.Context(), run.Letter{ID: "failed"}, "群已解散"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := b.Append(t.Context(), run.Event{Run: "7K3MQ2", Kind: run.EventAlarm}, run.Audit{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Advance(t.Context(), "bot", 1, nil); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(30 * 24 * time.Hour)
	if n, err := b.Prune(t.Context()); n != 0 || err != nil {
		t.Errorf("pruned %d on day 30, %v", n, err)
	}
	if b.claim(t, "handled", nil) {
		t.Error("an id is forgotten within 30 days")
	}
	b.clock.Add(time.Millisecond)
	if n, err := b.Prune(t.Context()); n != 4 || err != nil {
		t.Errorf("pruned %d after day 30, %v; want the message, the sent and the failed letter, the event that was read", n, err)
	}
	if events, err := b.Events(t.Context(), "bot", 9); err != nil || len(events) != 1 || events[0].Seq != 2 {
		t.Errorf("unread events %v, %v", events, err)
	}
	if got := b.unhandled(t); !slices.Equal(got, []string{"waiting"}) {
		t.Errorf("unhandled %v", got)
	}
	if got := b.due(t); !slices.Equal(got, []string{"due"}) {
		t.Errorf("due %v", got)
	}
}

func testOutbox(t *testing.T, open Opener) {
	t.Run("order in a lane", func(t *testing.T) {
		t.Parallel()
		testLanes(t, setup(t, open))
	})
	t.Run("settling", func(t *testing.T) {
		t.Parallel()
		testSettling(t, setup(t, open))
	})
	for name, test := range map[string]func(*testing.T, *bench){
		"one holder at a time": testHolding, "a holder who dies": testLostHold, "ways": testWays, "merging": testMerging, "withheld": testWithhold,
		"fifty takers": testTakers, "a holder who stood still": testStoodStill, "a holder who sent it all the same": testSentLate,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, open))
		})
	}
}

func testLanes(t *testing.T, b *bench) {
	post := func(names ...string) { // "lane/n"
		var out []run.Letter
		for _, name := range names {
			lane, _, _ := strings.Cut(name, "/")
			out = append(out, run.Letter{ID: name, Lane: lane})
		}
		if err := b.Post(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, want ...string) {
		t.Helper()
		if got := b.due(t); !slices.Equal(got, want) {
			t.Errorf("%s: due %v, want %v", what, got, want)
		}
	}
	post("a/1", "b/1", "a/2", "/1", "/2", "a/3")
	post("a/1", "a/2")
	want("heads", "a/1", "b/1", "/1", "/2")
	later := b.clock.Now().Add(time.Minute)
	for _, id := range []string{"a/1", "b/1", "/1"} {
		if err := b.Retry(t.Context(), run.Letter{ID: id}, later, "限流"); err != nil {
			t.Fatal(err)
		}
	}
	want("the lane waits for its head", "/2")
	if err := b.Sent(t.Context(), run.Letter{ID: "/2"}, "", ""); err != nil {
		t.Fatal(err)
	}
	want("nothing")
	b.clock.Add(time.Minute)
	want("due again", "a/1", "b/1", "/1")
	letters := b.takes(t, run.Pick{Limit: 1})
	if len(letters) != 1 || letters[0].Attempts != 1 || !letters[0].Due.Equal(later) {
		t.Fatalf("the head is %+v", letters)
	}
	if err := b.Sent(t.Context(), letters[0], "", "om_9"); err != nil {
		t.Fatal(err)
	}
	want("the next of its lane", "b/1", "a/2", "/1")
	if err := b.Fail(t.Context(), run.Letter{ID: "a/2"}, "机器人已移出群"); err != nil {
		t.Fatal(err)
	}
	want("the lane goes on after a failure", "b/1", "/1", "a/3")
}

func testSettling(t *testing.T, b *bench) {
	if err := b.Post(t.Context(), []run.Letter{{ID: "1"}, {ID: "2"}}); err != nil {
		t.Fatal(err)
	}
	if err := b.Sent(t.Context(), run.Letter{ID: "1"}, "card:7K3MQ2", "om_1"); err != nil {
		t.Fatal(err)
	}
	if place, ok, err := b.Place(t.Context(), "card:7K3MQ2"); place != "om_1" || !ok || err != nil {
		t.Errorf("place %q, %v, %v", place, ok, err)
	}
	if err := b.Sent(t.Context(), run.Letter{ID: "1"}, "card:7K3MQ2", ""); err != nil {
		t.Errorf("sent again: %v", err)
	}
	if place, ok, err := b.Place(t.Context(), "card:7K3MQ2"); place != "om_1" || !ok || err != nil {
		t.Errorf("an empty place took the old one away: %q, %v, %v", place, ok, err)
	}
	if err := b.SetPlace(t.Context(), "card:7K3MQ2", "om_2"); err != nil {
		t.Fatal(err)
	}
	if place, _, _ := b.Place(t.Context(), "card:7K3MQ2"); place != "om_2" {
		t.Errorf("place %q", place)
	}
	if _, ok, err := b.Place(t.Context(), "nowhere"); ok || err != nil {
		t.Errorf("no place: %v, %v", ok, err)
	}
	wantKind(t, "put off after it was sent", b.Retry(t.Context(), run.Letter{ID: "1"}, b.clock.Now(), "x"), fault.Conflict)
	wantKind(t, "give up after it was sent", b.Fail(t.Context(), run.Letter{ID: "1"}, "x"), fault.Conflict)
	wantKind(t, "no such letter", b.Fail(t.Context(), run.Letter{ID: "x"}, "x"), fault.NotFound)
	wantKind(t, "no such letter", b.Retry(t.Context(), run.Letter{ID: "x"}, b.clock.Now(), "x"), fault.NotFound)
	wantKind(t, "no such letter", b.Sent(t.Context(), run.Letter{ID: "x"}, "", ""), fault.NotFound)
	if n, err := b.FailedLetters(t.Context()); n != 0 || err != nil {
		t.Errorf("%d failed, %v", n, err)
	}
	if err := b.Fail(t.Context(), run.Letter{ID: "2"}, "x"); err != nil {
		t.Fatal(err)
	}
	if n, err := b.FailedLetters(t.Context()); n != 1 || err != nil {
		t.Errorf("%d failed, %v", n, err)
	}
	if got := b.due(t); len(got) != 0 {
		t.Errorf("due %v", got)
	}
}
