package wecomsim

import (
	"fmt"
	"strings"
	"testing"
)

// pages reads user/list_id to its end and gives each page's rows as text.
func (b *bench) pages(limit int) []string {
	b.t.Helper()
	var pages []string
	cursor := ""
	for {
		a := b.post("user/list_id", fmt.Sprintf(`{"cursor":%q,"limit":%d}`, cursor, limit))
		b.want(a, 0)
		var rows []string
		for _, row := range a["dept_user"].([]any) {
			r := row.(map[string]any)
			rows = append(rows, fmt.Sprintf("%v:%v", r["userid"], r["department"]))
		}
		pages = append(pages, strings.Join(rows, " "))
		next, found := a["next_cursor"].(string)
		if !found || next == "" {
			return pages
		}
		cursor = next
	}
}

func TestListIDPages(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.addUser(User{ID: "zoe", Departments: []int64{4}})
	for limit, want := range map[int]string{
		1:     "[Amy:2 Amy:3 ben:2 zoe:4]",
		3:     "[Amy:2 Amy:3 ben:2 zoe:4]",
		10000: "[Amy:2 Amy:3 ben:2 zoe:4]",
	} {
		pages := b.pages(limit)
		if got := fmt.Sprint(pages); got != want {
			t.Errorf("limit %d: %s, want %s", limit, got, want)
		}
		if got, want := len(pages), (4+limit-1)/limit; got != want {
			t.Errorf("limit %d: %d pages, want %d", limit, got, want)
		}
	}
}

func TestListIDEnd(t *testing.T) {
	t.Parallel()
	for empty, want := range map[bool]any{false: nil, true: ""} {
		b := staff(t, func(o *Options) { o.EmptyCursor = empty })
		a := b.post("user/list_id", `{}`)
		next, found := a["next_cursor"]
		if found != empty || next != want {
			t.Errorf("EmptyCursor %v: %v %v", empty, next, found)
		}
	}
}

func TestListIDRefuses(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.want(b.post("user/list_id", `{"limit":0}`), 40058)
	b.want(b.post("user/list_id", `{"limit":10001}`), 40058)
	b.want(b.post("user/list_id", `{"cursor":"nonsense"}`), 50100)
	cursor := b.post("user/list_id", `{"limit":1}`)["next_cursor"].(string)
	again := fmt.Sprintf(`{"limit":1,"cursor":%q}`, cursor)
	b.want(b.post("user/list_id", again), 0)
	b.want(b.post("user/list_id", again), 0) // a cursor may be used again
	b.ExpireCursors()
	b.want(b.post("user/list_id", again), 50100)
}

func TestListIDRepeats(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.RepeatCursors(true)
	cursor := b.post("user/list_id", `{"limit":1}`)["next_cursor"].(string)
	for range 3 {
		a := b.post("user/list_id", fmt.Sprintf(`{"limit":1,"cursor":%q}`, cursor))
		if a["next_cursor"] != cursor {
			t.Fatalf("next_cursor %v, want %s", a["next_cursor"], cursor)
		}
	}
	b.RepeatCursors(false)
	a := b.post("user/list_id", fmt.Sprintf(`{"limit":1,"cursor":%q}`, cursor))
	if a["next_cursor"] == cursor {
		t.Error("the cursor still repeats")
	}
}

// A member who is deleted between two pages makes no other row vanish.
func TestListIDWhileMembersChange(t *testing.T) {
	t.Parallel()
	b := staff(t, nil)
	b.addUser(User{ID: "zoe", Departments: []int64{4}})
	cursor := b.post("user/list_id", `{"limit":1}`)["next_cursor"].(string)
	b.RemoveUser("amy")
	b.addUser(User{ID: "aaron", Departments: []int64{4}})
	a := b.post("user/list_id", fmt.Sprintf(`{"cursor":%q}`, cursor))
	if got := fmt.Sprint(a["dept_user"]); got != "[map[department:2 userid:ben] map[department:4 userid:zoe]]" {
		t.Errorf("the rest: %s", got)
	}
}
