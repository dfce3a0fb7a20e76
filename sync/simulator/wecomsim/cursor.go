package wecomsim

import (
	"fmt"
	"slices"
)

const maxPage = 10000

// cursors are the places at which listings of user/list_id stand.
type cursors struct {
	places  map[string]place
	repeats bool
}

// place is the last row that a page gave.
type place struct {
	key        string // the member's key
	department int    // the index in the member's departments
}

func newCursors() cursors { return cursors{places: map[string]place{}} }

// ExpireCursors makes all cursors given so far invalid: they get 50100.
func (s *Sim) ExpireCursors() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cursors.places)
}

// RepeatCursors makes user/list_id (true) answer a cursor with that same
// cursor again and again, so that a client without a guard never ends.
func (s *Sim) RepeatCursors(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursors.repeats = on
}

// userDepartment is one row of user/list_id.
type userDepartment struct {
	UserID     string `json:"userid"`
	Department int64  `json:"department"`
}

// userListID serves user/list_id: one row for each member and department.
func (s *Sim) userListID(c *call) (any, *Refusal) {
	var request struct {
		Cursor *string `json:"cursor"`
		Limit  *int    `json:"limit"`
	}
	if refusal := s.into(c, &request); refusal != nil {
		return nil, refusal
	}
	limit, cursor := maxPage, ""
	take(&limit, request.Limit)
	take(&cursor, request.Cursor)
	if limit < 1 || limit > maxPage {
		return nil, badParameter("limit")
	}
	from, known := s.cursors.places[cursor]
	if cursor != "" && !known {
		return nil, refuse(codeBadCursor, "invalid cursor")
	}
	if cursor == "" {
		from = place{department: -1}
	}
	rows, last, more := s.book.page(from, limit)
	answer := struct {
		reply
		Next *string          `json:"next_cursor,omitempty"`
		Rows []userDepartment `json:"dept_user"`
	}{reply: replyOK, Rows: rows}
	switch {
	case cursor != "" && s.cursors.repeats:
		answer.Next = &cursor
	case more:
		next := fmt.Sprintf("simcursor-%d", s.next())
		s.cursors.places[next] = last
		answer.Next = &next
	case s.options.EmptyCursor:
		answer.Next = new(string)
	}
	return answer, nil
}

// page gives the rows after a place, the place of the last one, and whether
// there are more.
func (b *book) page(from place, limit int) ([]userDepartment, place, bool) {
	rows, last := []userDepartment{}, from
	keys := b.keys()
	start, _ := slices.BinarySearch(keys, from.key)
	for _, key := range keys[start:] {
		u := b.users[key]
		for i, department := range u.Departments {
			if key == from.key && i <= from.department {
				continue
			}
			if len(rows) == limit {
				return rows, last, true
			}
			rows = append(rows, userDepartment{UserID: u.ID, Department: department})
			last = place{key: key, department: i}
		}
	}
	return rows, last, false
}
