package feishusim

import (
	"encoding/base64"
	"encoding/json"
	"sort"
	"strconv"
)

// maxPage is the vendor's largest page_size of contact lists.
const maxPage = 50

// index keeps items in the order of their serial numbers, so that a page
// token stays good while items come and go.
type index[T any] struct {
	seqs  []uint64
	items []T
}

func (x *index[T]) after(seq uint64) int {
	return sort.Search(len(x.seqs), func(i int) bool { return x.seqs[i] > seq })
}

func (x *index[T]) put(seq uint64, v T) {
	i := x.after(seq)
	if i > 0 && x.seqs[i-1] == seq {
		x.items[i-1] = v
		return
	}
	x.seqs = append(x.seqs, 0)
	x.items = append(x.items, v)
	copy(x.seqs[i+1:], x.seqs[i:])
	copy(x.items[i+1:], x.items[i:])
	x.seqs[i], x.items[i] = seq, v
}

func (x *index[T]) drop(seq uint64) {
	i := x.after(seq) - 1
	if i < 0 || x.seqs[i] != seq {
		return
	}
	x.seqs = append(x.seqs[:i], x.seqs[i+1:]...)
	x.items = append(x.items[:i], x.items[i+1:]...)
}

// cursor is what a page token says. It holds for one list and one generation.
type cursor struct {
	List string `json:"l"`
	Seq  uint64 `json:"s"`
	Gen  int    `json:"g"`
}

// ExpirePageTokens makes every page token handed out so far invalid (40012).
func (s *Sim) ExpirePageTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageGen++
}

// page is the part of a list that a call asks for.
type page struct {
	list  string
	size  int
	after uint64
}

// page reads page_size and page_token for the list named; the name includes
// the list's parameters, so that a token of another list is refused.
func (c *call) page(list string) (page, *refusal) {
	p := page{list: list, size: 10}
	if text := c.query.Get("page_size"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return p, refuse(40011, "page_size is invalid")
		}
		if n > maxPage {
			return p, refuse(40009, "page_size must not be larger than 50")
		}
		p.size = n
	}
	p.size = min(p.size, c.sim.o.PageSize)
	if c.query.Get("page_token") == "" {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.query.Get("page_token"))
	var at cursor
	if err != nil || json.Unmarshal(raw, &at) != nil || at.List != list || at.Gen != c.sim.pageGen {
		return p, refuse(40012, "page_token is invalid")
	}
	p.after = at.Seq
	return p, nil
}

func (s *Sim) pageToken(list string, seq uint64) string {
	raw, _ := json.Marshal(cursor{List: list, Seq: seq, Gen: s.pageGen}) // cannot fail: plain fields
	return base64.RawURLEncoding.EncodeToString(raw)
}

// list renders one page of x. keep says which items belong to the list.
func list[T any](c *call, p page, x *index[T], look func(T) (show map[string]any, keep bool)) map[string]any {
	items := []any{}
	if c.empty {
		return map[string]any{"has_more": true, "page_token": c.sim.pageToken(p.list, p.after), "items": items}
	}
	last := p.after
	for i := x.after(p.after); i < len(x.items); i++ {
		show, keep := look(x.items[i])
		if !keep {
			continue
		}
		if len(items) == p.size {
			return map[string]any{"has_more": true, "page_token": c.sim.pageToken(p.list, last), "items": items}
		}
		items = append(items, show)
		last = x.seqs[i]
	}
	return map[string]any{"has_more": false, "items": items}
}
