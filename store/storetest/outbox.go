package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func (b *bench) posts(t *testing.T, letters ...run.Letter) {
	t.Helper()
	if err := b.Post(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
}

// testHolding sees that a letter is with one taker at a time, and that its lane
// waits meanwhile.
func testHolding(t *testing.T, b *bench) {
	other := &bench{Store: b.another(t), clock: b.clock}
	b.posts(t, run.Letter{ID: "a1", Lane: "a"}, run.Letter{ID: "a2", Lane: "a"}, run.Letter{ID: "b1", Lane: "b"})
	got := b.takes(t, run.Pick{Limit: 1, Hold: 20 * time.Second})
	if !slices.Equal(ids(got), []string{"a1"}) || !got[0].Held.Equal(b.clock.Now().Add(20*time.Second)) {
		t.Fatalf("taken %+v", got)
	}
	if got := other.due(t); !slices.Equal(got, []string{"b1"}) {
		t.Errorf("somebody else gets %v", got)
	}
	b.clock.Add(19 * time.Second)
	if got := other.due(t); !slices.Equal(got, []string{"b1"}) {
		t.Errorf("before the time is over somebody else gets %v", got)
	}
	later := b.clock.Now().Add(time.Minute)
	if err := b.Delay(t.Context(), got[0], later); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(time.Minute)
	got = other.takes(t, run.Pick{Limit: 9})
	if !slices.Equal(ids(got), []string{"a1", "b1"}) || got[0].Attempts != 0 || !got[0].Held.Equal(b.clock.Now().Add(time.Minute)) {
		t.Errorf("after a delay %+v", got)
	}
	if err := other.Retry(t.Context(), got[0], b.clock.Now(), "限流"); err != nil {
		t.Fatal(err)
	}
	if got = b.takes(t, run.Pick{Limit: 9}); !slices.Equal(ids(got), []string{"a1"}) || got[0].Attempts != 1 {
		t.Errorf("after a try that failed %+v", got)
	}
	if err := b.Sent(t.Context(), got[0], "", ""); err != nil {
		t.Fatal(err)
	}
	if got := b.due(t); !slices.Equal(got, []string{"a2"}) {
		t.Errorf("the next of the lane: %v", got)
	}
	wantKind(t, "delay what was sent", b.Delay(t.Context(), run.Letter{ID: "a1"}, later), fault.Conflict)
	wantKind(t, "delay what is not there", b.Delay(t.Context(), run.Letter{ID: "x"}, later), fault.NotFound)
}

// testLostHold sees that what a dead process held comes again, counted as tried,
// before the rest of its lane.
func testLostHold(t *testing.T, b *bench) {
	b.posts(t, run.Letter{ID: "1", Lane: "a"}, run.Letter{ID: "2", Lane: "a"})
	b.takes(t, run.Pick{Limit: 9})
	heir := &bench{Store: b.another(t), clock: b.clock}
	if got := heir.due(t); len(got) != 0 {
		t.Errorf("taken early: %v", got)
	}
	var got []run.Letter
	for n := 1; n < 4; n++ {
		b.clock.Add(time.Minute)
		if got = heir.takes(t, run.Pick{Limit: 9}); !slices.Equal(ids(got), []string{"1"}) || got[0].Attempts != n {
			t.Errorf("after %d deaths: %+v", n, got)
		}
	}
	if err := heir.Sent(t.Context(), got[0], "", ""); err != nil {
		t.Fatal(err)
	}
	if got := heir.due(t); !slices.Equal(got, []string{"2"}) {
		t.Errorf("then %v", got)
	}
}

func testWays(t *testing.T, b *bench) {
	b.posts(t, run.Letter{ID: "f", Way: "feishu"}, run.Letter{ID: "d", Way: "dingtalk"}, run.Letter{ID: "r", Way: "robots"}, run.Letter{ID: "old"})
	for _, c := range []struct {
		pick run.Pick
		want []string
	}{
		{run.Pick{Way: "feishu"}, []string{"f"}},
		{run.Pick{Except: []string{"feishu", "dingtalk"}}, []string{"r", "old"}},
		{run.Pick{Except: []string{"feishu"}, Way: "feishu"}, nil},
		{run.Pick{Way: "wecom"}, nil},
		{run.Pick{}, []string{"d"}}, // the others are held
	} {
		c.pick.Limit = 9
		if got := ids(b.takes(t, c.pick)); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.pick, got, c.want)
		}
	}
}

// testMerging sees that of the states of one card only the newest is sent, and
// that what may have been delivered already is never made needless.
func testMerging(t *testing.T, b *bench) {
	drawn := func(id string, version int64) run.Letter {
		return run.Letter{ID: id, Lane: "a", Subject: "card:1", Version: version}
	}
	b.posts(t, drawn("v1", 1), run.Letter{ID: "said", Lane: "a"}, drawn("v2", 2), run.Letter{ID: "other", Lane: "a", Subject: "card:2", Version: 1})
	b.posts(t, run.Letter{ID: "elsewhere", Lane: "b", Subject: "card:1"}, drawn("v3", 3))
	if got := b.due(t); !slices.Equal(got, []string{"said", "elsewhere"}) {
		t.Errorf("due %v", got)
	}
	b.posts(t, drawn("late", 2), drawn("v3", 9)) // an older drawing, and one that was posted before
	want := func(what string, order ...string) {
		t.Helper()
		for _, id := range order {
			got := b.due(t)
			if !slices.Contains(got, id) {
				t.Fatalf("%s: due %v, want %s", what, got, id)
			}
			if err := b.Sent(t.Context(), run.Letter{ID: id}, "", ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	want("the newest by version", "said", "other", "v3", "late", "elsewhere")
	if got := b.due(t); len(got) != 0 {
		t.Errorf("still due: %v", got)
	}
	wantKind(t, "what was merged is settled", b.Retry(t.Context(), run.Letter{ID: "v1"}, b.clock.Now(), "x"), fault.Conflict)

	b.posts(t, drawn("held", 4))
	b.takes(t, run.Pick{Limit: 9})
	b.posts(t, drawn("v5", 5))
	if got := b.due(t); len(got) != 0 {
		t.Errorf("while one is on its way another is due: %v", got)
	}
	b.clock.Add(time.Minute) // its holder died
	if err := b.Delay(t.Context(), b.takes(t, run.Pick{Limit: 9})[0], b.clock.Now()); err != nil {
		t.Fatal(err)
	}
	b.posts(t, drawn("v6", 6))
	want("what was held once, and may have been delivered, is sent under its own id", "held", "v6")
	b.posts(t, drawn("tried", 7))
	if err := b.Retry(t.Context(), run.Letter{ID: "tried"}, b.clock.Now(), "断了"); err != nil {
		t.Fatal(err)
	}
	b.posts(t, drawn("v8", 8))
	want("what was tried once", "tried", "v8")
	b.posts(t, drawn("slow", 9))
	if err := b.Delay(t.Context(), run.Letter{ID: "slow"}, b.clock.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	b.posts(t, drawn("v10", 10))
	want("what was only delayed is merged", "v10")
}

func testWithhold(t *testing.T, b *bench) {
	lines := func() []string {
		t.Helper()
		all, err := b.Settings(t.Context(), "held")
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == 0 {
			return nil
		}
		var lines []string
		if err := json.Unmarshal(all[0].Value, &lines); err != nil || all[0].Name != "ops" || len(all) != 1 {
			t.Fatalf("held %+v, %v", all, err)
		}
		return lines
	}
	wantKind(t, "no such letter", b.Withhold(t.Context(), run.Letter{ID: "x"}, "ops", "y"), fault.NotFound)
	if got := lines(); got != nil {
		t.Errorf("a letter that is not there was kept: %v", got)
	}
	for i := range 52 {
		id := fmt.Sprint(i)
		b.posts(t, run.Letter{ID: id, Lane: "a"})
		if err := b.Withhold(t.Context(), run.Letter{ID: id}, "ops", "完成 "+id); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, "twice", b.Withhold(t.Context(), run.Letter{ID: "3"}, "ops", "完成 3"), fault.Conflict)
	if got := lines(); len(got) != 50 || got[0] != "完成 2" || got[49] != "完成 51" {
		t.Errorf("%d lines: %v", len(got), got)
	}
	if got := b.due(t); len(got) != 0 {
		t.Errorf("due %v", got)
	}
	if err := b.Set(t.Context(), run.Setting{Kind: "held", Name: "ops", Value: json.RawMessage(`{"damaged"`)}); err != nil {
		t.Fatal(err)
	}
	b.posts(t, run.Letter{ID: "after"})
	if err := b.Withhold(t.Context(), run.Letter{ID: "after"}, "ops", "line"); err != nil || !slices.Equal(lines(), []string{"line"}) {
		t.Errorf("a damaged list: %v", err)
	}
}

// testTakers lets two processes take side by side: every letter goes to one.
func testTakers(t *testing.T, b *bench) {
	const lanes, each = 10, 5
	for n := range lanes * each {
		b.posts(t, run.Letter{ID: fmt.Sprintf("%d/%d", n%lanes, n/lanes), Lane: fmt.Sprint(n % lanes)})
	}
	processes := []*bench{b, {Store: b.another(t), clock: b.clock}}
	var mu sync.Mutex
	next := map[string]int{}
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			mine := processes[i%2]
			for {
				letters, err := mine.Outbox(t.Context(), run.Pick{Limit: 3})
				if err != nil {
					t.Errorf("take: %v", err)
					return
				}
				for _, l := range letters {
					mu.Lock()
					if want := fmt.Sprintf("%s/%d", l.Lane, next[l.Lane]); l.ID != want {
						t.Errorf("taken %s, want %s", l.ID, want)
					}
					next[l.Lane]++
					mu.Unlock()
					if err := mine.Sent(t.Context(), l, "", ""); err != nil {
						t.Errorf("sent: %v", err)
					}
				}
				mu.Lock()
				sum := 0
				for _, n := range next {
					sum += n
				}
				mu.Unlock()
				if sum == lanes*each {
					return
				}
			}
		})
	}
	group.Wait()
}

// testStoodStill sees that who stood still for longer than his hold settles nothing that
// somebody else has taken since, and that he may settle what nobody has.
func testStoodStill(t *testing.T, b *bench) {
	other := &bench{Store: b.another(t), clock: b.clock}
	b.posts(t, run.Letter{ID: "1", Lane: "a"})
	still := b.takes(t, run.Pick{Limit: 9})[0]
	b.clock.Add(time.Minute)
	taken := other.takes(t, run.Pick{Limit: 9})
	if len(taken) != 1 || taken[0].Taken == still.Taken {
		t.Fatalf("taken %+v after %+v", taken, still)
	}
	for what, settle := range map[string]func(run.Letter) error{
		"retry":    func(l run.Letter) error { return b.Retry(t.Context(), l, b.clock.Now(), "断了") },
		"delay":    func(l run.Letter) error { return b.Delay(t.Context(), l, b.clock.Now()) },
		"fail":     func(l run.Letter) error { return b.Fail(t.Context(), l, "断了") },
		"withhold": func(l run.Letter) error { return b.Withhold(t.Context(), l, "ops", "完成") },
	} {
		wantKind(t, what+" what another holds", settle(still), fault.Conflict)
		wantKind(t, what+" as if nobody held it", settle(run.Letter{ID: "1"}), fault.Conflict)
		if got := b.due(t); len(got) != 0 {
			t.Fatalf("%s: a letter that is on its way goes to a third: %v", what, got)
		}
	}
	if all, err := b.Settings(t.Context(), "held"); err != nil || len(all) != 0 {
		t.Errorf("a line was kept of a letter that is on its way: %+v, %v", all, err)
	}
	b.clock.Add(time.Hour) // nobody else has it: what its last holder says counts
	if err := other.Retry(t.Context(), taken[0], b.clock.Now(), "断了"); err != nil {
		t.Errorf("the last holder: %v", err)
	}
	wantKind(t, "given back already", other.Retry(t.Context(), taken[0], b.clock.Now(), "断了"), fault.Conflict)
	if got := b.takes(t, run.Pick{Limit: 9}); len(got) != 1 || got[0].Attempts != 2 {
		t.Errorf("taken in the end %+v", got)
	}
}

// testSentLate sees that a letter which was delivered is not sent once more, whoever holds
// it by now, and that the place of whom the record believes last stands.
func testSentLate(t *testing.T, b *bench) {
	other := &bench{Store: b.another(t), clock: b.clock}
	b.posts(t, run.Letter{ID: "1", Lane: "a"}, run.Letter{ID: "2", Lane: "b"})
	still := b.takes(t, run.Pick{Limit: 9})
	b.clock.Add(time.Minute)
	taken := other.takes(t, run.Pick{Limit: 9})
	if len(still) != 2 || len(taken) != 2 {
		t.Fatalf("taken %+v, then %+v", still, taken)
	}
	place := func(what, key, want string) {
		t.Helper()
		if got, _, err := b.Place(t.Context(), key); err != nil || got != want {
			t.Errorf("%s: place %q, %v", what, got, err)
		}
	}
	if err := b.Sent(t.Context(), still[0], "card:1", "om_still"); err != nil {
		t.Fatal(err)
	}
	place("delivered by who stood still", "card:1", "om_still")
	wantKind(t, "give back what was delivered", other.Delay(t.Context(), taken[0], b.clock.Now()), fault.Conflict)
	for range 2 { // once more after a lost answer
		if err := other.Sent(t.Context(), taken[0], "card:1", "om_taken"); err != nil {
			t.Fatal(err)
		}
	}
	place("delivered by both", "card:1", "om_taken")
	if err := other.Sent(t.Context(), taken[1], "card:2", "om_taken"); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "sent after another sent it", b.Sent(t.Context(), still[1], "card:2", "om_still"), fault.Conflict)
	place("who comes last, and late", "card:2", "om_taken")
	b.clock.Add(time.Hour)
	if got := b.due(t); len(got) != 0 {
		t.Errorf("due once more: %v", got)
	}
}
