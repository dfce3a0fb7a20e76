// Package scimserver is a SCIM 2.0 service provider (RFC 7643, RFC 7644) into
// which an identity provider such as Okta or Entra pushes users and groups, and
// the connector.Source of what was pushed.
//
// It is no client of anybody's SCIM service and makes no call: what it knows is on
// the Shelf. It keeps no password. Bulk, sorting and /Me are not there, and say so.
package scimserver

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/shelf"
)

// ShelfReader reads what was pushed. Faults: NotFound, Unavailable.
type ShelfReader interface {
	ShelfItem(ctx context.Context, ref shelf.Ref) (shelf.Item, error)
	ShelfItems(ctx context.Context, q shelf.Query) ([]shelf.Item, error)
	ShelfCount(ctx context.Context, q shelf.Query) (int, error)
}

// ShelfWriter writes what is pushed, each item in a transaction of its own.
// Faults: NotFound, Conflict for a userName that is taken, Unavailable; an error
// of change or agree comes back as it is.
type ShelfWriter interface {
	AddShelfItem(ctx context.Context, it shelf.Item) (shelf.Item, error)
	UpdateShelfItem(ctx context.Context, ref shelf.Ref, change func(shelf.Item) (shelf.Item, error)) (shelf.Item, error)
	RemoveShelfItem(ctx context.Context, ref shelf.Ref, agree func(shelf.Item) error) error
}

// Shelf is where everything that was pushed is kept; replicas share it.
type Shelf interface {
	ShelfReader
	ShelfWriter
	ShelfState(ctx context.Context, system string) (shelf.State, error)
}

// MinToken is the least length of a bearer token.
const MinToken = 24

// What Options.Contents may be.
const (
	Auto    = "auto"
	Full    = "full"
	Partial = "partial"
)

// Attribute is a further attribute to keep and to show.
type Attribute struct {
	Name string // as mappings call it
	Path string // in the pushed resource: "nickName", "urn:…:User:badge", `emails[type eq "home"].value`
	Type directory.Type
}

// Options describe one provider's end of us.
type Options struct {
	// System is the system's name. Required.
	System string
	// Path is where the handler stands, such as /scim/okta/v2, without a slash at
	// the end. Required.
	Path string
	// BaseURL is how the provider reaches Path, for the addresses of resources:
	// https://rollcall.example.com/scim/okta/v2. "" takes the host of each request.
	BaseURL string
	// Token is what the provider sends as a bearer token; MinToken characters or
	// more. Required.
	Token string
	// Contents says when a listing proves an absence: Auto (default; when the first
	// push is over, see shelf.Quiet), Full (from the first push on) or Partial
	// (never).
	Contents string
	// Strict refuses attributes that are not known, instead of leaving them out.
	Strict bool
	// Attributes are further ones of users.
	Attributes []Attribute
	// Shelf keeps what is pushed. Required.
	Shelf Shelf
	// Now is the clock. Required.
	Now func() time.Time
	// NewID makes ids that are never repeated, in the order of time, so that pages
	// stay where they are; nil = UUIDs of version 7.
	NewID func() string
	// Logger takes what people need not read. Nil discards it.
	Logger *slog.Logger
}

func (o *Options) validate() error {
	var errs []error
	need := func(ok bool, name string) {
		if !ok {
			errs = append(errs, fault.New(fault.Invalid, "scim_server: %[1]s is missing or wrong / SCIM 接收端：%[1]s 缺失或有误", name))
		}
	}
	need(o.System != "", "system")
	need(strings.HasPrefix(o.Path, "/") && !strings.HasSuffix(o.Path, "/"), "path")
	need(len(o.Token) >= MinToken, "token")
	need(o.Contents == "" || o.Contents == Auto || o.Contents == Full || o.Contents == Partial, "contents")
	need(o.Shelf != nil, "shelf")
	need(o.Now != nil, "clock")
	base, err := url.Parse(o.BaseURL)
	need(o.BaseURL == "" || err == nil && base.Host != "" && base.RawQuery == "", "base_url")
	return errors.Join(errs...)
}

// Server is one provider's end of us: an http.Handler at Options.Path, and a
// Source. It is safe for concurrent use.
type Server struct {
	o       Options
	log     *slog.Logger
	token   [sha256.Size]byte
	kinds   []*resource
	custom  []custom
	info    connector.Info
	refused *rate.Limiter

	mu       sync.Mutex
	watchers map[*watcher]struct{}
	said     map[string]bool // unknown attributes that the log has heard of
}

var (
	_ connector.Source  = (*Server)(nil)
	_ connector.Prober  = (*Server)(nil)
	_ connector.Watcher = (*Server)(nil)
)

// Wrong tokens beyond so many a minute are answered 'slow down'. The right one
// always passes: nobody can lock the provider out.
const wrongTokens = 20

// New checks the options and makes a server. Faults: Invalid, naming every option
// that is wrong.
func New(o Options) (*Server, error) {
	errs := []error{o.validate()}
	if o.Contents == "" {
		o.Contents = Auto
	}
	if o.NewID == nil {
		o.NewID = func() string { return newID(o.Now()) }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	users, groups := userResource(), groupResource()
	s := &Server{
		o: o, log: o.Logger, token: sha256.Sum256([]byte(o.Token)), kinds: []*resource{&users, &groups},
		refused:  rate.NewLimiter(rate.Every(time.Minute/wrongTokens), wrongTokens),
		watchers: map[*watcher]struct{}{}, said: map[string]bool{},
	}
	for _, a := range o.Attributes {
		c, err := users.addCustom(a)
		errs = append(errs, err)
		s.custom = append(s.custom, c)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	s.info = describe(o)
	return s, nil
}

// newID makes a UUID of version 7 (RFC 9562 §5.7): milliseconds, then chance.
func newID(now time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: the program is ended before
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(now.UnixMilli(), 0)))
	copy(b[:6], ms[2:])
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// kind gives the resource of a kind.
func (s *Server) kind(k shelf.Kind) *resource {
	for _, r := range s.kinds {
		if r.kind == k {
			return r
		}
	}
	return s.kinds[0]
}

// normalizer gives one that tells the log of unknown attributes, each once.
func (s *Server) normalizer(ctx context.Context) *normalizer {
	return &normalizer{strict: s.o.Strict, ignored: func(name string) {
		const most = 200
		s.mu.Lock()
		known := s.said[name] || len(s.said) >= most
		if !known {
			s.said[name] = true
		}
		s.mu.Unlock()
		if !known {
			s.log.WarnContext(ctx, "unknown attribute left out", "attribute", name)
		}
	}}
}
