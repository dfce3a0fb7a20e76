package matrix

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	ber "github.com/go-asn1-ber/asn1-ber"

	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// newcomer makes somebody who joins.
func newcomer(no string, edit func(*person)) person {
	p := person{no: no, name: "新人" + no, title: "工程师", mobile: "1360000" + no[1:], email: strings.ToLower(no) + "@example.com", in: []string{"d01"}}
	if edit != nil {
		edit(&p)
	}
	return p
}

// hire lets somebody join.
func (w *faultWorld) hire(p person) {
	w.c.people[p.no] = p
	w.from.set(w.c, p)
}

// TestS08_DoubledKeys lets two people join who share a key by which they are matched:
// the same, other capitals, the same letters composed and decomposed, with blanks, a
// mobile number written in two ways. An account that nobody owns has it as well. None of
// each pair is taken for the other or for that account, all are named, and whoever has
// nothing to do with it goes on: a newcomer is created, and those who left are disabled.
//
// Feishu, WeCom and DingTalk refuse a second person with the same address or number.
func TestS08_DoubledKeys(t *testing.T) {
	t.Parallel()
	eachSource(t, []string{"feishu", "wecom", "dingtalk"}, func(t *testing.T, src *tampered) {
		from, _ := src.system.(worded)
		w := newFaultWorld(t, src, faultOptions{flow: func(f *plan.Flow) {
			words := from.words()
			users, _ := newSCIM(t, nil).spec(words)
			if src.name == "scim" {
				users, _ = newFeishu(t, nil).spec(words)
			}
			users.Match = []string{words.no, words.email, words.mobile}
			var err error
			f.Users, err = mapping.Compile(*users)
			check(t, err)
		}})
		pairs := [][2]person{
			{newcomer("N0101", func(p *person) { p.email = "same@example.com" }), newcomer("N0102", func(p *person) { p.email = "Same@Example.com" })},
			{newcomer("N0111", func(p *person) { p.email = "jos\u00e9@example.com" }), newcomer("N0112", func(p *person) { p.email = "jose\u0301@example.com" })},
			{newcomer("N0121", func(p *person) { p.mobile = "13911112222" }), newcomer("N0122", func(p *person) { p.mobile = "+8613911112222" })},
			{newcomer("N0131", func(p *person) { p.email = "blank@example.com" }), newcomer("N0132", func(p *person) { p.email = "blank@example.com " })},
		}
		if src.name == "ldap" {
			pairs[1][0].email, pairs[1][1].email = "jose1@example.com", "jose1@EXAMPLE.com" // a mail address is of ASCII there
		}
		strange := map[string]held{}
		for i, pair := range pairs {
			x := person{no: fmt.Sprintf("X%04d", i), name: "外部顾问", mobile: fmt.Sprintf("1390000%04d", i), email: pair[0].email}
			if !strings.HasPrefix(pair[0].mobile, "136") {
				x.mobile, x.email = pair[0].mobile, fmt.Sprintf("x%d@example.com", i)
			}
			w.to.set(w.c, x)
		}
		w.to.flush(w.c)
		for no, h := range w.to.look().people {
			if strings.HasPrefix(no, "X") {
				strange[no] = h
			}
		}
		w.someGo()
		for _, pair := range pairs {
			w.from.set(w.c, pair[0])
			w.from.set(w.c, pair[1])
		}
		joins := newcomer("N0901", nil)
		w.hire(joins)
		w.from.flush(w.c)
		r := w.agree(w.run())
		said := w.explained("pairs", r)
		if r.Counts.Adopt != 0 || r.Counts.Create != 1 || r.Counts.Disable != len(w.leaves) {
			t.Errorf("the run is %s, %+v: %s\n%s", r.State, r.Counts, r.Reason, w.trouble(r))
		}
		made, err := w.store.Plan(t.Context(), r.Code)
		check(t, err)
		conflicts := 0
		for _, n := range made.Notes {
			if n.Kind == plan.Conflict {
				conflicts++
			}
		}
		if conflicts < 2*len(pairs) {
			t.Errorf("%d are in conflict, want %d:\n%s", conflicts, 2*len(pairs), said)
		}
		now := w.to.look().people
		if _, there := now[joins.no]; !there {
			t.Error("the newcomer was not created")
		}
		for no, h := range strange {
			if !sameHeld(now[no], h) {
				t.Errorf("the account %s of nobody is %+v, was %+v", no, now[no], h)
			}
		}
		for _, pair := range pairs {
			for _, p := range pair {
				if h, there := now[p.no]; there {
					t.Errorf("%s has an account: %+v", p.no, h)
				}
			}
		}
	})
}

// spoilRows makes so many rows of people unreadable.
func (s *tampered) spoilRows(n int) {
	victims := map[string]bool{}
	for i := range n {
		victims[number(2+i)] = true
	}
	switch sys := s.system.(type) {
	case *ldapCompany:
		s.tap.set(func() {
			s.tap.edit = func(dn string, packet *ber.Packet) *ber.Packet {
				name, _, _ := strings.Cut(dn, ",")
				if !victims[strings.ToUpper(strings.TrimPrefix(name, "uid="))] {
					return packet
				}
				return ber.DecodePacket([]byte(strings.Replace(string(packet.Bytes()), "entryUUID", "entryUUIX", 1)))
			}
		})
	case *database:
		for no := range victims {
			sys.exec("INSERT INTO people (id, name, departments, active) SELECT NULL, name, departments, active FROM people WHERE id = ?", no)
		}
	case *roster:
		sys.broken = n
	default:
		shape := shapes()[s.name]
		s.http.change(func(_ int, _ *http.Request, answer map[string]any) {
			for _, at := range shape.lists {
				_, _, list := rows(answer, at...)
				for _, one := range list {
					row, _ := one.(map[string]any)
					if id, _ := row[shape.id].(string); !victims[id] {
						continue
					}
					switch s.name {
					case "scim":
						delete(row, "id")
					case "wecom":
						row[shape.id] = ""
					case "feishu": // without a user_id it is the permission that is missing
						row["status"] = 7
					default:
						row[shape.id] = []any{}
					}
				}
			}
		})
	}
}

// TestS09_DirtyRows lets one row, and 6 % of all, be unreadable. Who is missing may stand
// in one, so that nobody is taken for a leaver; whoever joins is created all the same.
//
// The row sets a limit of 5 % below which absences count. Here one unreadable row is
// enough (design.md §2.3: a snapshot is complete or it is nothing).
func TestS09_DirtyRows(t *testing.T) {
	t.Parallel()
	eachSource(t, nil, func(t *testing.T, src *tampered) {
		w := newFaultWorld(t, src, faultOptions{})
		w.someGo()
		for i, n := range []int{1, 2} {
			src.spoilRows(n)
			w.hire(newcomer(fmt.Sprintf("N090%d", i+1), nil))
			w.from.flush(w.c)
			r := w.untouched("dirty rows")
			if r.Counts.Create != 1 || r.State != run.Succeeded {
				t.Errorf("%d dirty rows: the run is %s, %+v: %s\n%s", n, r.State, r.Counts, r.Reason, w.trouble(r))
			}
			if said := w.said(r); len(said) == 0 || !slices.ContainsFunc(said, bilingual) {
				t.Errorf("%d dirty rows: nobody is told: %q", n, said)
			}
			src.mend()
		}
		switch sys := src.system.(type) {
		case *database:
			sys.exec("DELETE FROM people WHERE id IS NULL")
		case *roster:
			sys.broken = 0
			sys.flush(w.c)
		}
		w.control()
	})
}
