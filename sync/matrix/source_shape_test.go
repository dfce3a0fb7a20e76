package matrix

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// shape is where things stand in the answers of a listing.
type shape struct {
	lists [][]string // of rows of people
	id    string     // of a row: the number
	// total is a count that the service gives of all, beside its rows; nil = none.
	total func(r *http.Request, answer map[string]any) (holder map[string]any, name string)
	// more says that there is another page, next where; nil = there is none.
	more, next []string
	// believed makes an answer's own counts fit what is hidden.
	believed func(answer map[string]any, hidden int)
}

// shapes are those of the HTTP services, by name.
func shapes() map[string]shape {
	return map[string]shape{
		"feishu": {
			lists: [][]string{{"data", "items"}}, id: "user_id", more: []string{"data", "has_more"}, next: []string{"data", "page_token"},
			believed: func(answer map[string]any, _ int) {
				_, _, units := rows(answer, "data", "items")
				for _, one := range units {
					if u, ok := one.(map[string]any); ok && u["member_count"] != nil {
						u["member_count"] = 0
					}
				}
			},
		},
		"wecom": {lists: [][]string{{"dept_user"}, {"userlist"}}, id: "userid", next: []string{"next_cursor"}},
		"dingtalk": {
			lists: [][]string{{"result", "list"}}, id: "userid", more: []string{"result", "has_more"}, next: []string{"result", "next_cursor"},
			total: func(r *http.Request, answer map[string]any) (map[string]any, string) {
				if !strings.HasSuffix(r.URL.Path, "/user/count") {
					return nil, ""
				}
				holder, _ := answer["result"].(map[string]any)
				return holder, "count"
			},
		},
		"scim": {lists: [][]string{{"Resources"}}, id: "userName"},
	}
}

// hide leaves people out of the listings, though each is there when asked for alone.
// fitting: the service's own counts leave them out as well.
func (s *tampered) hide(fitting bool, nos ...string) {
	hidden := map[string]bool{}
	for _, no := range nos {
		hidden[no] = true
	}
	switch {
	case s.tap != nil:
		s.tap.set(func() {
			s.tap.hides = func(dn string) bool {
				name, _, _ := strings.Cut(dn, ",")
				return hidden[strings.ToUpper(strings.TrimPrefix(name, "uid="))]
			}
		})
	case s.shim != nil:
		s.shim.set(func() { s.shim.hides = func(id string) bool { return hidden[id] } })
	case s.name == "scim" && fitting: // its places are counted in rows, so that only it can leave some out
		service, _ := s.system.(*scimService)
		var ids []string
		for _, no := range nos {
			ids = append(ids, service.users[no])
		}
		service.sim.Omit(ids...)
	case s.http != nil:
		shape := shapes()[s.name]
		s.http.change(func(_ int, r *http.Request, answer map[string]any) { shape.without(r, answer, hidden, fitting) })
	}
}

// mend ends all that goes wrong, and lets time go by: who asked us to wait has forgotten
// it.
func (s *tampered) mend() {
	if s.breaker != nil {
		s.breaker.mend()
	}
	if service, ok := s.system.(*scimService); ok {
		service.sim.Omit()
	}
	s.clock.advance(time.Hour)
}

// without leaves people out of one answer.
func (s shape) without(r *http.Request, answer map[string]any, hidden map[string]bool, fitting bool) {
	for _, at := range s.lists {
		holder, last, list := rows(answer, at...)
		var kept []any
		for _, one := range list {
			row, _ := one.(map[string]any)
			if id, _ := row[s.id].(string); !hidden[id] {
				kept = append(kept, one)
			}
		}
		if list != nil {
			holder[last] = append([]any{}, kept...)
		}
	}
	if !fitting {
		return
	}
	if s.believed != nil {
		s.believed(answer, len(hidden))
	}
	if s.total != nil {
		if holder, name := s.total(r, answer); holder != nil {
			if n, ok := holder[name].(json.Number); ok {
				all, _ := strconv.Atoi(n.String())
				holder[name] = all - len(hidden)
			}
		}
	}
}

// put sets a value at the end of some names, where there is such a place.
func put(answer map[string]any, value any, names ...string) {
	if len(names) == 0 {
		return
	}
	if holder, last, _ := rows(answer, names...); holder != nil {
		holder[last] = value
	}
}

// doubled lets every row of an answer come twice.
func (s shape) doubled(answer map[string]any) {
	for _, at := range s.lists {
		if holder, last, list := rows(answer, at...); len(list) > 0 {
			holder[last] = append(append([]any{}, list...), list...)
		}
	}
}
