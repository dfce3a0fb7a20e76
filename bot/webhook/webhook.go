// Package webhook speaks through the signed group robots of Feishu, DingTalk and
// WeCom: a URL in one group that takes messages and gives nothing back.
//
// It carries digests, notices, and what the app bot cannot deliver. It hears
// nothing, edits nothing and draws no buttons: commands are shown to be typed.
// Outgoing generic webhooks are not here.
package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Options set up a Robot.
type Options struct {
	Name string       // of the robot in the configuration: what messages call it
	Type run.Platform // run.Feishu, run.DingTalk or run.WeCom
	URL  string       `json:"-"` // required: the address that the platform gave, a secret
	// Secret signs each message; "" = the robot asks for no signature. WeCom has
	// none, and a Secret for it is refused.
	Secret string `json:"-"`
	// Keyword is put into the title of each message that does not have it there.
	Keyword string
	// AllowHosts are more hosts ("host" or "host:port") than the vendor's own:
	// simulators and tenants with addresses of their own. Of these, those on
	// loopback may be spoken to without TLS.
	AllowHosts []string

	HTTPClient *http.Client     // default: a client of its own; redirects are never followed
	Now        func() time.Time // required
	Logger     *slog.Logger     // default: none
}

// Format prints the options without a secret, whatever the verb.
func (o Options) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "{%s %s ***}", o.Type, o.Name)
}

// Robot is one group robot. It is safe for concurrent use; the pace of the
// platform counts for all callers together, in this process.
type Robot struct {
	o       Options
	address *url.URL
	vendor  vendor
	pace    pace

	mu         sync.Mutex
	unfinished map[[sha256.Size]byte]attempt
}

// attempt is what is known of a message whose sending ended in an error.
type attempt struct {
	key  string // the platform's idempotency key
	sent int    // parts that arrived
	form form
}

// partKey is the key of the next part: each has its own.
func (a attempt) partKey() string {
	if a.sent == 0 {
		return a.key
	}
	return a.key + "-" + strconv.Itoa(a.sent)
}

// maxUnfinished bounds what is remembered: a robot without an end of errors.
const maxUnfinished = 256

// New gives a Robot; it makes no call. A wrong option is an Invalid fault that
// names all of them and shows none.
func New(o Options) (*Robot, error) {
	v, known := vendors()[o.Type]
	var errs []error
	wrong := func(is bool, what string) {
		if is {
			errs = append(errs, errors.New(what))
		}
	}
	wrong(!known, "type is not feishu, dingtalk or wecom")
	wrong(o.Now == nil, "clock is missing")
	wrong(known && v.sign == nil && o.Secret != "", "secret is set, but robots of WeCom have no signature")
	address, err := o.parse(v)
	wrong(known && err != nil, "url is not the address of such a robot")
	wrong(strings.TrimSpace(o.Keyword) != o.Keyword || strings.ContainsAny(o.Keyword, "\r\n"), "keyword has blanks around it or a line break")
	if err := errors.Join(errs...); err != nil {
		names := strings.ReplaceAll(err.Error(), "\n", ", ")
		return nil, fault.Wrap(fault.Invalid, err, "the group robot %s is configured wrong: %s / 群机器人 %s 的配置不对：%s",
			o.Name, names, o.Name, names)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	client := http.Client{}
	if o.HTTPClient != nil {
		client = *o.HTTPClient
	}
	// What was signed for one host is for nobody else.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.HTTPClient = &client
	return &Robot{
		o: o, address: address, vendor: v, pace: newPace(v.limits),
		unfinished: map[[sha256.Size]byte]attempt{},
	}, nil
}

// Name gives the robot's name in the configuration.
func (r *Robot) Name() string { return r.o.Name }

// Platform gives the robot's platform.
func (r *Robot) Platform() run.Platform { return r.o.Type }

// Send says a card in the robot's group. Every try is signed anew. A form that
// the platform refuses is said as text, what is too long for it in shorter parts;
// the log tells which step was taken. Where the platform knows a key against
// doubles (DingTalk), the same card gets the same one until it has arrived; a card
// of several parts goes on where it broke off.
//
// Faults: Limited, with After, when the robot has said enough for now, by our
// count or the platform's; Unavailable when it may be tried again; Credential
// when the address, signature, keyword or IP list is not accepted; Denied when
// the robot may not speak, the content is refused or the quota is used up;
// NotFound when the group is gone; Invalid for a message that can never be sent.
func (r *Robot) Send(ctx context.Context, o bot.Outgoing) error {
	id := fingerprint(o)
	for {
		a := r.recall(id)
		err := r.sendAll(ctx, o, a, id)
		if err == nil {
			r.forget(id)
			return nil
		}
		if fault.KindOf(err) != fault.Invalid {
			return err
		}
		// Said from the start once more: twice is better than half.
		next := attempt{key: newKey(), form: a.form}
		switch {
		case lengthy(err) && a.form.shrink < maxShrink:
			next.form.shrink *= 2
		case !lengthy(err) && !a.form.words:
			next.form.words = true // the platform's rules for cards change; words go through
		default:
			r.forget(id)
			return err
		}
		r.o.Logger.WarnContext(ctx, "message refused, said in a lesser form", "system", string(r.o.Type), "robot", r.o.Name, "err", err)
		r.keep(id, next)
	}
}

// maxShrink is how much shorter than its known limit a part is made at most.
const maxShrink = 4

// lengthy tells whether the length is the reason.
func lengthy(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && (f.Code == "19036" || f.Code == "460101" || f.Code == "101002" || f.Code == "45002")
}

// sendAll sends the parts that have not arrived yet.
func (r *Robot) sendAll(ctx context.Context, o bot.Outgoing, a attempt, id [sha256.Size]byte) error {
	parts, err := r.vendor.draw(r, o, a.form)
	if err != nil {
		return err
	}
	rest := parts[min(a.sent, len(parts)):]
	if wait := r.pace.take(r.o.Now(), len(rest)); wait > 0 {
		r.keep(id, a)
		return r.slow(wait)
	}
	for _, part := range rest {
		if err := r.post(ctx, part, a.partKey()); err != nil {
			r.keep(id, a)
			return err
		}
		a.sent++
		r.o.Logger.InfoContext(ctx, "message sent", "system", string(r.o.Type), "robot", r.o.Name, "step", part.step())
	}
	return nil
}

// slow is the fault of a pace that is used up.
func (r *Robot) slow(wait time.Duration) error {
	f := fault.New(fault.Limited, "the group robot %s has said enough for now / 群机器人 %s 说得太快，要等一等", r.o.Name, r.o.Name)
	f.After = wait
	return f
}

// fingerprint tells messages apart.
func fingerprint(o bot.Outgoing) [sha256.Size]byte {
	o.Session = bot.Session{}
	raw, err := json.Marshal(o)
	if err != nil { // strings, numbers and times only: it cannot fail
		raw = []byte(o.Card.Title)
	}
	return sha256.Sum256(raw)
}

func (r *Robot) recall(id [sha256.Size]byte) attempt {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a, found := r.unfinished[id]; found {
		return a
	}
	return attempt{key: newKey(), form: form{shrink: 1}}
}

func (r *Robot) keep(id [sha256.Size]byte, a attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.unfinished) >= maxUnfinished {
		clear(r.unfinished) // at worst something is said twice
	}
	r.unfinished[id] = a
}

func (r *Robot) forget(id [sha256.Size]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.unfinished, id)
}
