package scim

import (
	"cmp"
	"context"
	"net/url"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// listing says what a listing is to give.
type listing struct {
	count  int    // resources of one page
	start  int    // from 1; 0 = 1
	filter string // "" = everything
	bare   bool   // of groups: without their members
}

// page reads one page of an endpoint.
func (c *Connector) page(ctx context.Context, endpoint string, l listing, t *tally) (page, error) {
	query := url.Values{"startIndex": {strconv.Itoa(max(1, l.start))}, "count": {strconv.Itoa(l.count)}}
	if l.filter != "" {
		query.Set("filter", l.filter)
	}
	if l.bare {
		query.Set("excludedAttributes", attrMembers)
	}
	var got page
	err := c.read(ctx, call{path: endpoint, query: query}, t, func(a answer) error {
		var err error
		got, err = decodePage(a.data)
		return err
	})
	return got, err
}

// flaw is why a listing proves no absence, "" when it does.
type flaw string

// all lists every resource of an endpoint, each once, page by page (RFC 7644
// §3.4.2.4), until as many came as the service has, or none came any more. A
// listing whose total changes, which repeats itself or ends early proves no
// absence.
func (c *Connector) all(ctx context.Context, endpoint string, l listing, t *tally, each func(resource)) (flaw, error) {
	g, err := c.discover(ctx, t)
	if err != nil {
		return "", err
	}
	l.count, l.start = c.options.PageSize, 1
	if g.maxResults > 0 {
		l.count = min(l.count, g.maxResults)
	}
	w := walk{seen: map[string]bool{}, total: -1}
	for {
		p, err := c.page(ctx, endpoint, l, t)
		if err != nil {
			return "", err
		}
		rows := len(p.resources) + p.odd
		if !w.take(p, each) || rows == 0 {
			break
		}
		first := l.start == 1
		l.start += rows
		if p.total < 0 || l.start <= p.total {
			continue
		}
		if first && rows >= l.count {
			if err := c.beyond(ctx, endpoint, l, t, &w); err != nil {
				return "", err
			}
		}
		break
	}
	return w.end(), nil
}

// beyond asks for what comes after one full page that is said to be all: some
// services give the number of a page's resources for that of all. A service which
// does not page gives the same ones again, and one that finds the place wrong has
// nothing there.
func (c *Connector) beyond(ctx context.Context, endpoint string, l listing, t *tally, w *walk) error {
	p, err := c.page(ctx, endpoint, l, t)
	switch fault.KindOf(err) {
	case "":
	case fault.Invalid, fault.NotFound, fault.Unsupported:
		return nil
	default:
		return err
	}
	for _, r := range p.resources {
		if !w.seen[r.id()] {
			w.doubt("the service gives the number of objects on one page for that of all, so that nobody knows whether all came: raise page_size above their number, or have the service corrected / 服务把一页的数量当成总数，无法确认是否已全部列出：请把 page_size 调到大于对象总数，或请服务方修正")
		}
	}
	return nil
}

// walk is a listing on its way.
type walk struct {
	seen  map[string]bool
	total int
	why   flaw
}

// take takes a page. It gives false when to go on makes no sense.
func (w *walk) take(p page, each func(resource)) bool {
	if w.total >= 0 && p.total != w.total {
		w.doubt("the service's number of objects changed while they were listed / 列举期间服务报告的总数发生了变化")
	}
	w.total = p.total
	fresh := false
	for _, r := range p.resources {
		id := r.id()
		switch {
		case id == "":
			w.doubt("the service lists an object without an id / 服务列出了没有 id 的对象")
		case w.seen[id]:
			w.doubt("the service's listing repeats itself / 服务的列表出现重复")
		default:
			fresh, w.seen[id] = true, true
			each(r)
		}
	}
	if p.odd > 0 {
		w.doubt("the service lists something that cannot be understood / 服务列出了无法解析的内容")
	}
	return fresh
}

func (w *walk) doubt(say flaw) {
	if w.why == "" {
		w.why = say
	}
}

// end judges the whole listing.
func (w *walk) end() flaw {
	switch n := len(w.seen); {
	case w.total < 0:
		w.doubt("the service does not say how many objects it has / 服务没有说明对象总数")
	case n != w.total:
		have, want := strconv.Itoa(n), strconv.Itoa(w.total)
		w.doubt(flaw("the service has " + want + " objects and listed " + have + " / 服务共有 " + want + " 个对象，只列出 " + have + " 个"))
	}
	return w.why
}

// alive tells whether an endpoint answers with a listing: only then is its 404 of
// one resource the word of a SCIM service, and not of a gateway or a wrong
// address.
func (c *Connector) alive(ctx context.Context, endpoint string) error {
	_, err := c.populated(ctx, endpoint)
	return err
}

// populated is alive, and tells whether the listing shows anything.
func (c *Connector) populated(ctx context.Context, endpoint string) (bool, error) {
	p, err := c.page(ctx, endpoint, listing{count: 1, bare: true}, &tally{})
	return p.total != 0 || len(p.resources) > 0, err
}

// get reads one resource afresh.
func (c *Connector) get(ctx context.Context, endpoint, id string, bare bool) (resource, string, error) {
	at, err := one(endpoint, id)
	if err != nil {
		return nil, "", err
	}
	r := call{path: at, about: true}
	if bare {
		r.query = url.Values{"excludedAttributes": {attrMembers}}
	}
	var got resource
	var version string
	err = c.read(ctx, r, &tally{}, func(a answer) error {
		var err error
		if got, err = decodeResource(a.data); err != nil {
			return err
		}
		if got.id() != id {
			return errShape
		}
		version = cmp.Or(got.version(), a.version)
		return nil
	})
	return got, version, err
}

// one gives the path of one resource. An id that would lead elsewhere is refused.
func one(endpoint, id string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", fault.New(fault.Invalid, "%q is no id of a SCIM object / “%s”不是 SCIM 对象的 id", id, id)
	}
	return endpoint + "/" + url.PathEscape(id), nil
}
