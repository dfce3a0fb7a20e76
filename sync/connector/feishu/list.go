package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	contacts = "/open-apis/contact/v3"
	pageSize = 50 // the vendor's largest page of contacts

	// A read is tried again a few times when Feishu is down or asks to slow down:
	// after 1, 2 and 4 seconds, or after the time that it names.
	maxTries   = 4
	firstPause = time.Second

	// A listing whose page token is refused begins again, twice at most.
	maxRestarts = 2
	// Empty pages in a row that are believed; Feishu does send some.
	maxEmpty = 20
)

// lostError says that a listing cannot be trusted to be whole.
type lostError struct{ zh, en string }

func (e *lostError) Error() string { return e.zh + " / " + e.en }

// tally counts what an operation needed. It is safe for concurrent use.
type tally struct{ pages, retries, restarts atomic.Int64 }

// get makes a reading call, and repeats it while Feishu is down or asks to slow
// down.
func (c *Connector) get(ctx context.Context, n *tally, r *request) (json.RawMessage, error) {
	r.method, r.bucket = http.MethodGet, bucketRead
	pause := firstPause
	for try := 1; ; try++ {
		data, err := c.call(ctx, r)
		if err == nil || !fault.Retryable(err) || try == maxTries || ctx.Err() != nil {
			return data, err
		}
		n.retries.Add(1)
		c.o.Logger.WarnContext(ctx, "call repeated", "try", try, "err", err)
		wait := max(pause, min(fault.After(err), maxHold))
		if err := c.o.Sleep(ctx, wait); err != nil {
			return nil, interruptedBy(ctx, err)
		}
		pause *= 2
	}
}

// listing is one paged call.
type listing struct {
	path   string
	params larkcore.PathParams
	query  larkcore.QueryParams
}

// listed is what a listing hands over, page by page.
type listed struct {
	// begin is called before the first page, also when the listing begins again.
	begin func()
	// page takes the reply of one page and tells how many objects it held.
	page func(ctx context.Context, data json.RawMessage) (int, error)
}

// list reads a listing to its end. The end is has_more=false and nothing else:
// an empty page is not the end, more pages without a token or with a token that
// was used before are a loss. The error is a fault, a *lostError, or what page
// gave.
func (c *Connector) list(ctx context.Context, n *tally, l listing, to listed) error {
	for restart := 0; ; restart++ {
		to.begin()
		err := c.pages(ctx, n, l, to)
		if !badPageToken(err) {
			return err
		}
		if restart == maxRestarts {
			return &lostError{"分页标记一再失效", "the page token expired again and again"}
		}
		n.restarts.Add(1)
	}
}

func (c *Connector) pages(ctx context.Context, n *tally, l listing, to listed) error {
	token, used, empty := "", map[string]bool{}, 0
	for {
		query := maps.Clone(l.query)
		query.Set("page_size", strconv.Itoa(pageSize))
		if token != "" {
			query.Set("page_token", token)
		}
		data, err := c.get(ctx, n, &request{path: l.path, params: l.params, query: query})
		if err != nil {
			return err
		}
		n.pages.Add(1)
		var head struct {
			More  *bool  `json:"has_more"`
			Token string `json:"page_token"`
		}
		if json.Unmarshal(data, &head) != nil || head.More == nil {
			return &lostError{"分页回答残缺", "a page is malformed"}
		}
		count, err := to.page(ctx, data)
		switch {
		case err != nil:
			return err
		case !*head.More:
			return nil
		case head.Token == "":
			return &lostError{"还有下一页却没有分页标记", "there are more pages but no page token"}
		}
		// An empty page may come with the token that it was asked with: the same
		// place again.
		if used[head.Token] && (count > 0 || head.Token != token) {
			return &lostError{"分页标记重复", "a page token came twice"}
		}
		if empty++; count > 0 {
			empty = 0
		}
		if empty > maxEmpty {
			return &lostError{"空白页太多", "too many empty pages"}
		}
		token = head.Token
		used[token] = true
	}
}

// items reads the objects of a page.
func items(data json.RawMessage) ([]json.RawMessage, error) {
	const name = "items"
	var page map[string]json.RawMessage
	var out []json.RawMessage
	if json.Unmarshal(data, &page) != nil || page[name] != nil && json.Unmarshal(page[name], &out) != nil {
		return nil, &lostError{"分页回答残缺", "a page is malformed"}
	}
	return out, nil
}

// query gives the parameters that every contact call carries, and more in pairs.
func (c *Connector) query(more ...string) larkcore.QueryParams {
	q := larkcore.QueryParams{"user_id_type": {c.o.UserIDType}, "department_id_type": {"open_department_id"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Add(more[i], more[i+1])
	}
	return q
}

// stops tells whether an error ends the whole reading: Feishu refuses us, is
// down, or the time is over. Anything else spoils one listing.
func stops(err error) bool {
	switch fault.KindOf(err) {
	case fault.Credential, fault.Unavailable, fault.Limited:
		return true
	case fault.Internal:
		_, lost := errors.AsType[*lostError](err)
		return !lost
	default:
		return false
	}
}

// say gives the sentence of a fault or a loss, with its code.
func say(err error) string {
	if lost, ok := errors.AsType[*lostError](err); ok {
		return lost.Error()
	}
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Code != "" {
		return fmt.Sprintf("%s [%s] / %s [%s]", fault.In(f.Say, "en"), f.Code, fault.In(f.Say, "zh"), f.Code)
	}
	return fault.Say(err)
}
