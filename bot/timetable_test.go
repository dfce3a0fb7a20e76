package bot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

// set stores a setting as JSON.
func (w *world) set(kind run.SettingKind, name, value string) {
	w.t.Helper()
	s := run.Setting{Kind: kind, Name: name}
	if value != "" {
		s.Value = json.RawMessage(value)
	}
	if err := w.mail.Set(w.t.Context(), s); err != nil {
		w.t.Fatal(err)
	}
}

// posts lets a timetable post what is due, and gives what was sent a minute
// later.
func (w *world) posts() []sent {
	w.t.Helper()
	if _, err := newTimetable(w.b).step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.clock = w.clock.Add(time.Minute)
	return w.settle()
}

// Several replicas at once post one digest to each room, and what was kept back
// is told once.
func TestReplicasPostOneDigest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(setHeld, "ops", `["a notice"]`)
	now := func() time.Time { return w.clock }
	var wait sync.WaitGroup
	for range 4 {
		o := w.options(now)
		o.Digests = []DigestPlan{{Rooms: []string{"ops", "team"}, Hour: 10}}
		b, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		wait.Go(func() {
			table := newTimetable(b)
			for range 3 {
				if _, err := table.step(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if n := len(w.mail.out); n != 2 {
		t.Fatalf("%d letters", n)
	}
	w.clock = w.clock.Add(time.Minute)
	if got := texts(w.settle()); strings.Count(got, "a notice") != 1 {
		t.Errorf("%s", got)
	}
	if left, err := w.b.keptBack(t.Context(), w.b.named["ops"]); err != nil || len(left) != 0 {
		t.Errorf("left: %q, %v", left, err)
	}
}

// What was set in the chat goes before the configuration, for that room alone.
func TestChatSetsTheDigest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value string
		rooms string // that get one at 10:05, while the configuration says 10:00
	}{
		"nothing":           {"", "cidTeam oc_ops"},
		"the same time":     {`{"at":"10:00"}`, "cidTeam oc_ops"},
		"later":             {`{"at":"10:30"}`, "cidTeam"},
		"off":               {`{"off":true}`, "cidTeam"},
		"on other days":     {`{"at":"10:00","days":[1,2]}`, "cidTeam"},
		"on this day":       {`{"at":"10:00","days":[4]}`, "cidTeam oc_ops"},
		"cannot be read":    {`{"at":"teatime"}`, "cidTeam oc_ops"},
		"in capitals":       {`{"At":"10:30","Days":null,"Off":false}`, "cidTeam"},
		"is no object":      {`7`, "cidTeam oc_ops"},
		"a time out of day": {`{"at":"24:30"}`, "cidTeam oc_ops"},
	} {
		w := newWorld(t)
		w.b.o.Rooms[0].Webhook = ""
		w.b.o.Digests = []DigestPlan{{Rooms: []string{"ops", "team"}, Hour: 10, Zone: shanghai}}
		w.clock = morning.Add(-day)
		w.set(run.SetDigest, "ops", c.value)
		w.set(run.SetDigest, "gone", `{"at":"10:00"}`)
		w.clock = morning
		var rooms []string
		for _, s := range w.posts() {
			rooms = append(rooms, s.o.Chat)
		}
		slices.Sort(rooms)
		if got := strings.Join(rooms, " "); got != c.rooms {
			t.Errorf("%s: %q, want %q", name, got, c.rooms)
		}
	}
}

// A time that was over when it was set is not made up for.
func TestASetTimeBeginsWithTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(run.SetDigest, "team", `{"at":"10:00"}`)
	if got := w.posts(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	w.clock = morning.Add(day)
	got := w.posts()
	if len(got) != 1 || got[0].o.Chat != "cidTeam" || got[0].o.Lang != EN {
		t.Errorf("%+v", got)
	}
	if got := w.posts(); len(got) != 0 {
		t.Errorf("again: %+v", got)
	}
}

// The language that was set for the room goes before the plan's and the room's
// own.
func TestTheLanguageOfADigest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  string
		plan Lang
		want Lang
	}{{"", "", ZH}, {"", EN, EN}, {`"en"`, "", EN}, {`"zh-CN"`, EN, ZH}, {`"fr"`, EN, EN}, {`{}`, "", ZH}} {
		w := newWorld(t)
		w.set(run.SetRoomLang, "ops", c.set)
		w.set(run.SetRoomLang, "team", `"zh-CN"`)
		w.b.o.Digests = []DigestPlan{{Rooms: []string{"ops"}, Hour: 10, Zone: shanghai, Lang: c.plan}}
		if got := w.posts(); len(got) != 1 || got[0].o.Lang != c.want || strings.HasPrefix(got[0].o.Card.Title, "Digest") != (c.want == EN) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// What was kept back is told in the next digest and then gone; what comes
// meanwhile waits for the one after.
func TestU24_KeptBackIsListedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.Digests = []DigestPlan{{Rooms: []string{"ops"}, Hour: 10, Zone: shanghai}}
	w.set(setHeld, "ops", `["first","second"]`)
	if got := texts(w.posts()); !strings.Contains(got, "first") || !strings.Contains(got, "second") {
		t.Errorf("%s", got)
	}
	w.set(setHeld, "ops", `["third"]`)
	w.set(setHeld, "team", `["fourth"]`)
	w.clock = morning.Add(day)
	if got := texts(w.posts()); strings.Contains(got, "first") || !strings.Contains(got, "third") || strings.Contains(got, "fourth") {
		t.Errorf("%s", got)
	}
	room := w.b.named["ops"]
	for _, c := range []struct{ now, told, left string }{
		{`["a","b"]`, `["a"]`, `["b"]`}, {`["b"]`, `["a"]`, `["b"]`}, {`["a"]`, `["a"]`, `null`}, {`["a"]`, `["a","b"]`, `["a"]`}, {`["b","c"]`, `["a","b"]`, `["c"]`}, {`["a"]`, `[]`, `["a"]`}, {`"broken"`, `["a"]`, `null`},
	} {
		w.set(setHeld, "ops", c.now)
		var told []string
		if err := json.Unmarshal([]byte(c.told), &told); err != nil {
			t.Fatal(err)
		}
		if err := w.b.letGo(t.Context(), room, told); err != nil {
			t.Fatal(err)
		}
		left, err := w.b.keptBack(t.Context(), room)
		if text, _ := json.Marshal(left); err != nil || string(text) != c.left {
			t.Errorf("%+v: %s, %v", c, text, err)
		}
	}
}

// No two rooms of one robot get their digest in the same second, on time or
// late, and every replica says the same second.
func TestDigestsAreSpread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.options(func() time.Time { return w.clock })
	for i := range 40 {
		o.Rooms = append(o.Rooms, Room{Name: fmt.Sprintf("hook%d", i), Platform: run.Feishu, Webhook: "ops-hook"}, Room{Name: fmt.Sprintf("app%d", i), Platform: run.DingTalk, Chat: fmt.Sprintf("cid%d", i)})
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	o.Rooms = slices.Clone(o.Rooms)
	slices.Reverse(o.Rooms)
	other, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	at := morning
	for _, late := range []time.Duration{0, 20 * time.Second, 59 * time.Second, 61 * time.Second, 40 * time.Minute} {
		w.clock = at.Add(late)
		taken := map[string]string{}
		for i := range b.o.Rooms {
			room := &b.o.Rooms[i]
			due := b.digestDue(room, at)
			if again := other.digestDue(other.named[room.Name], at); !again.Equal(due) {
				t.Errorf("%s: %s and %s", room.Name, due, again)
			}
			if due.Before(w.clock) || due.Sub(w.clock) > time.Minute || due.Before(at) {
				t.Errorf("%s at %s: %s", room.Name, w.clock, due)
			}
			second := room.speaker() + due.Format(" 05")
			if taken[second] != "" {
				t.Errorf("%s and %s in one second, %s", taken[second], room.Name, second)
			}
			taken[second] = room.Name
		}
	}
}
