package rosterfile

import (
	"encoding/csv"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// seeded is a roster that grows.
type seeded struct {
	d      *disk
	people [][]string
}

func (s *seeded) write(t *testing.T, extra ...string) {
	t.Helper()
	var b strings.Builder
	w := csv.NewWriter(&b)
	header := []string{"employee_no", "name", "mobile", "email", "title", "departments", "active"}
	if err := w.WriteAll(append([][]string{header}, s.people...)); err != nil {
		t.Fatal(err)
	}
	s.d.put(b.String()+strings.Join(extra, ""), epoch.Add(-time.Hour))
}

func (s *seeded) add(t *testing.T, u connectortest.User) directory.ID {
	t.Helper()
	active := "是"
	if u.Disabled {
		active = "否"
	}
	s.people = append(s.people, []string{u.ID, u.Name, u.Mobile, u.Email, u.Title, "", active})
	s.write(t)
	return directory.ID(u.ID)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	const source = "a roster file is a source only"
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		s := &seeded{d: newDisk("")}
		s.write(t)
		d := s.d
		set := func(change func()) func() {
			return func() {
				d.mu.Lock()
				defer d.mu.Unlock()
				change()
			}
		}
		return connectortest.Harness{
			Connector: connect(t, "/srv/roster.csv", d, func(o *Options) { o.ID = "employee_no" }),
			Page:      2,
			SeedUser:  func(u connectortest.User) directory.ID { return s.add(t, u) },
			Calls: func() int {
				d.mu.Lock()
				defer d.mu.Unlock()
				return d.opens
			},
			Advance:          func(by time.Duration) { set(func() { d.now = d.now.Add(by) })() },
			FailPage:         func(_, times int) { set(func() { d.readErr = times })() },
			TruncatePage:     func(int) { set(func() { d.cut = true })() },
			WrongCredentials: set(func() { d.err = fs.ErrPermission }),
			Down:             set(func() { d.err = errors.New("input/output error") }),
			HangRead: func() <-chan struct{} {
				arrived := make(chan struct{})
				set(func() { d.hang = arrived })()
				return arrived
			},
			HideObject: func(key directory.Key) {
				for i, one := range s.people {
					if one[0] == string(key.ID) {
						s.people = append(s.people[:i], s.people[i+1:]...)
						break
					}
				}
				s.write(t, string(key.ID)+",cut off")
			},
			Without: map[string]string{
				"SeedDepartment": "departments exist only as paths in people's rows; tested beside this",
				"Stored":         source, "NewUser": source, "NewDepartment": source, "Effects": source,
				"TokenCalls": "there is no token", "ExpireToken": "there is no token",
				"RateLimit": "there is no limit", "HangWrite": source, "CutAfterEffect": source,
				"CutBeforeEffect": source, "LimitWrite": source,
				"HidePermission": "a file is readable or not", "Refusals": "there is no vendor",
			},
		}
	})
}
