// Package feishutoken gets and keeps the tenant access token of one Feishu (or
// Lark) self-built app, for everybody in the process who calls Feishu.
//
// It exists because the vendor's SDK keeps tokens in a table of the whole
// process that is keyed by app id alone, never renews a rejected token and asks
// once per waiting caller. It makes no other call of the open platform, and
// knows nothing of contacts or messages.
package feishutoken

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	// DefaultBaseURL is the Feishu edition; Lark is https://open.larksuite.com.
	DefaultBaseURL = "https://open.feishu.cn"

	callTimeout = 10 * time.Second
	// The vendor gives a new token when less than 30 minutes of the old one are
	// left, and both work for a while: renewing within the last minutes never
	// leaves a call with a dead token.
	renewBefore = 5 * time.Minute
	// After a failed early renewal the old token is used this long before the
	// next try, so that an outage does not double every call.
	renewPause = 10 * time.Second
)

// Options set up a Source.
type Options struct {
	BaseURL    string           // default DefaultBaseURL; without a path
	AppID      string           // required: "cli_…"
	AppSecret  string           `json:"-"` // required
	HTTPClient *http.Client     // default: a client of its own; redirects are never followed
	Now        func() time.Time // required
}

// Format prints the options without the secret, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s %s ***}", o.BaseURL, o.AppID)
}

func (o Options) validate() error {
	var errs []error
	if o.AppID == "" {
		errs = append(errs, errors.New("app_id is missing"))
	}
	if o.AppSecret == "" {
		errs = append(errs, errors.New("app_secret is missing"))
	}
	if o.Now == nil {
		errs = append(errs, errors.New("clock is missing"))
	}
	return errors.Join(errs...)
}

// Source gives the token of one app at one base URL; two Sources share nothing.
// It is safe for concurrent use and starts no goroutine.
type Source struct {
	options Options
	client  *http.Client
	invalid error

	mu      sync.Mutex
	current grant
	tryNext time.Time     // no early renewal before
	busy    chan struct{} // closed when the running request ends; nil when none runs
}

// grant is one token with its times.
type grant struct {
	token string
	renew time.Time // ask for a new one from here on
	ends  time.Time // the vendor refuses it from here on
}

// New gives a Source. It makes no call; what is wrong with the options is told
// by Token.
func New(o Options) *Source {
	if o.BaseURL == "" {
		o.BaseURL = DefaultBaseURL
	}
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	client := &http.Client{}
	if o.HTTPClient != nil {
		*client = *o.HTTPClient
	}
	// The request's body is the secret: it goes nowhere but to the base URL.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Source{options: o, client: client, invalid: o.validate()}
}

// Token gives a token that works now. Callers who need a new one at the same
// time share one request. Faults: Credential when the vendor refuses the app,
// its secret or our address (the sentence says what to change), Limited,
// Unavailable, Invalid when the options are wrong. When ctx ends it returns
// promptly, and the other callers go on.
func (s *Source) Token(ctx context.Context) (string, error) {
	if s.invalid != nil {
		return "", fault.Wrap(fault.Invalid, s.invalid, "飞书应用的配置不完整 / the Feishu app's configuration is incomplete")
	}
	for {
		token, wait := s.begin()
		switch {
		case token != "":
			return token, nil
		case wait == nil:
			return s.renew(ctx)
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return "", interrupted(ctx)
		}
	}
}

// Invalidate forgets a token that the vendor has rejected, so that the next
// Token asks for a new one. Another token than the current one is ignored: it
// was replaced already.
func (s *Source) Invalidate(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current.token == token {
		s.current = grant{}
	}
}

// begin gives the current token, or a channel to wait on, or neither: then the
// caller has become the one who must renew.
func (s *Source) begin() (token string, wait <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now()
	alive := s.current.token != "" && now.Before(s.current.ends)
	fresh := alive && now.Before(s.current.renew)
	switch {
	case fresh, alive && (s.busy != nil || now.Before(s.tryNext)):
		return s.current.token, nil
	case s.busy != nil:
		return "", s.busy
	default:
		s.busy = make(chan struct{})
		return "", nil
	}
}

// renew asks for a new token on behalf of everybody who waits. While the old
// one still works, a failure to renew it is not the caller's problem.
func (s *Source) renew(ctx context.Context) (string, error) {
	var (
		got grant
		err error
	)
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.busy)
		s.busy = nil
	}()
	got, err = s.fetch(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.current = got
		return got.token, nil
	}
	now := s.options.Now()
	if fault.Retryable(err) && s.current.token != "" && now.Before(s.current.ends) && ctx.Err() == nil {
		s.tryNext = now.Add(renewPause)
		return s.current.token, nil
	}
	return "", err
}
