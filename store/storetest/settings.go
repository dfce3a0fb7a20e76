package storetest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

func testSettings(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, *bench){
		"set, read, remove": testSet, "what a person has seen": testSights, "counts": testTallies, "audit by action": testAudits,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, setup(t, open))
		})
	}
}

func testSet(t *testing.T, b *bench) {
	set := func(kind run.SettingKind, name, value string) {
		t.Helper()
		s := run.Setting{Kind: kind, Name: name, By: person("林晨")}
		if value != "" {
			s.Value = json.RawMessage(value)
		}
		if err := b.Set(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, kind run.SettingKind, want map[string]string) {
		t.Helper()
		all, err := b.another(t).Settings(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, s := range all {
			got[s.Name] = string(s.Value)
			if s.Kind != kind || s.By != person("林晨") || !s.At.Equal(b.clock.Now()) {
				t.Errorf("%s: %+v", what, s)
			}
		}
		if !maps.Equal(got, want) || !slices.IsSortedFunc(all, func(x, y run.Setting) int { return strings.Compare(x.Name, y.Name) }) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	want("nothing yet", run.SetMute, map[string]string{})
	set(run.SetMute, "team", `{"until":"2026-10-08T12:00:00Z"}`)
	set(run.SetMute, "ops", `{"a":1}`)
	set(run.SetRoomLang, "ops", `"en"`)
	want("two of a kind", run.SetMute, map[string]string{"ops": `{"a":1}`, "team": `{"until":"2026-10-08T12:00:00Z"}`})
	set(run.SetMute, "ops", `{"a":2}`)
	want("the newer one counts", run.SetMute, map[string]string{"ops": `{"a":2}`, "team": `{"until":"2026-10-08T12:00:00Z"}`})
	set(run.SetMute, "ops", "")
	set(run.SetMute, "nobody", "")
	want("one is removed", run.SetMute, map[string]string{"team": `{"until":"2026-10-08T12:00:00Z"}`})
	want("the other kind stays", run.SetRoomLang, map[string]string{"ops": `"en"`})
	for action, n := range map[string]int{"setting.set": 4, "setting.removed": 2} {
		if trail, err := b.Audits(t.Context(), action, time.Time{}); err != nil || len(trail) != n || trail[0].Who != person("林晨") {
			t.Errorf("%s is in the audit %d times, want %d, %v", action, len(trail), n, err)
		}
	}
}

func testSights(t *testing.T, b *bench) {
	r := b.newRun(t, "sights")
	for _, seqs := range [][]int{{1, 2}, {2, 5}, nil} {
		if err := b.See(t.Context(), r.Code, "周凯", seqs); err != nil {
			t.Fatal(err)
		}
	}
	for who, want := range map[string]map[int]bool{"周凯": {1: true, 2: true, 5: true}, "林晨": {}} {
		if got, err := b.Seen(t.Context(), r.Code, who); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s has seen %v, %v; want %v", who, got, err, want)
		}
	}
	wantKind(t, "no such run", b.See(t.Context(), "7K3MQ2", "周凯", []int{1}), fault.NotFound)
}

func testTallies(t *testing.T, b *bench) {
	other := b.another(t)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			from := b.Store
			if i%2 == 1 {
				from = other
			}
			if _, err := from.Tally(t.Context(), "dingtalk:app:2026-11", 1); err != nil {
				t.Errorf("count: %v", err)
			}
		})
	}
	group.Wait()
	for name, want := range map[string]int{"dingtalk:app:2026-11": 20, "dingtalk:app:2026-12": 0} {
		if n, err := b.Tally(t.Context(), name, 0); n != want || err != nil {
			t.Errorf("%s is %d, %v; want %d", name, n, err, want)
		}
	}
	if n, err := b.Tally(t.Context(), "dingtalk:app:2026-11", 5); n != 25 || err != nil {
		t.Errorf("it is %d, %v", n, err)
	}
}

func testAudits(t *testing.T, b *bench) {
	for i, action := range []string{"vote.refused", "ask.undelivered", "vote.refused"} {
		a := run.Audit{Who: person("周凯"), Action: action, Run: "7K3MQ2", Detail: string(rune('a' + i))}
		if err := b.Append(t.Context(), run.Event{}, a); err != nil {
			t.Fatal(err)
		}
		b.clock.Add(time.Minute)
	}
	for since, want := range map[time.Duration]string{-3 * time.Minute: "ac", -time.Minute: "c", 0: ""} {
		trail, err := b.Audits(t.Context(), "vote.refused", b.clock.Now().Add(since))
		var got strings.Builder
		for _, a := range trail {
			got.WriteString(a.Detail)
		}
		if err != nil || got.String() != want {
			t.Errorf("since %s: %q, %v; want %q", since, got.String(), err, want)
		}
	}
}
