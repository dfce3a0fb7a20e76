package wecom

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	maxRestarts = 2
	maxPages    = 100_000
)

// listing is who exists, by user/list_id: the one call that shows everybody
// whatever the address and the scope.
type listing struct {
	members []roster
	index   map[string]int // by folded userid
	// partial says why absence proves nothing; "" for a complete listing.
	partial string
}

func newListing() *listing { return &listing{index: map[string]int{}} }

// list reads user/list_id to its end. A lost cursor begins again from the first
// page, at most twice. An error means that nothing came; later failures make the
// listing partial.
func (c *Connector) list(ctx context.Context, t *tally) (*listing, error) {
	for restarts := 0; ; restarts++ {
		l := newListing()
		err := c.listPages(ctx, l, t)
		if code(err) == codeBadCursor && restarts < maxRestarts {
			t.restarts.Add(1)
			continue
		}
		if err != nil && (len(l.members) == 0 || fault.KindOf(err) == fault.Credential) {
			return nil, err
		}
		if err != nil {
			l.partial = fault.Say(err)
		}
		return l, nil
	}
}

func (c *Connector) listPages(ctx context.Context, l *listing, t *tally) error {
	cursor, seen := "", map[string]bool{"": true}
	for page := range maxPages {
		var answer userIDs
		err := c.read(ctx, call{
			method: http.MethodPost, path: "user/list_id", key: c.contacts,
			body: map[string]any{"cursor": cursor, "limit": c.options.PageSize},
		}, t, &answer)
		if err != nil {
			return err
		}
		for _, row := range *answer.Rows {
			l.add(row)
		}
		if answer.Next == "" {
			return nil
		}
		if seen[answer.Next] || page == maxPages-1 {
			l.incomplete("the listing of members goes round in circles / 成员列表的翻页游标重复")
			return nil
		}
		cursor = answer.Next
		seen[cursor] = true
	}
	return nil
}

func (l *listing) incomplete(why string) {
	if l.partial == "" {
		l.partial = why
	}
}

// add takes one row. A row that came before shows that the listing repeats
// itself, and so may have left something out.
func (l *listing) add(row userRow) {
	if row.UserID == "" || row.Department <= 0 {
		l.incomplete("the listing of members has a broken row / 成员列表中有残缺的行")
		return
	}
	key := fold(row.UserID)
	i, known := l.index[key]
	if !known {
		l.index[key] = len(l.members)
		l.members = append(l.members, roster{id: row.UserID, departments: []int64{row.Department}})
		return
	}
	m := &l.members[i]
	if slices.Contains(m.departments, row.Department) {
		l.incomplete("the listing of members repeats itself at " + clip(row.UserID) + " / 成员列表重复：" + clip(row.UserID))
		return
	}
	m.departments = append(m.departments, row.Department)
}

// clip shortens an id for a sentence.
func clip(s string) string {
	const longest = 64
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}
