package wecom

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	// eventWindow is how far the signed time may be from ours. The vendor tries a
	// few times within seconds.
	eventWindow = 5 * time.Minute
	eventLimit  = 1 << 20 // bytes of one event
	stampLength = 11      // of a time in seconds, for the next thousands of years
)

// ListenerOptions set up a Listener.
type ListenerOptions struct {
	CorpID string // required
	// Token and AESKey are those of 通讯录同步 → 接收事件服务器. Required.
	Token, AESKey string
	Now           func() time.Time // required
	Logger        *slog.Logger     // nil discards
	// Tell is told what changed; it must be quick. Required.
	Tell func(ctx context.Context, hints []directory.Hint)
}

// Listener takes the corp's contact events by HTTP callback. They say little more
// than ids, and nothing of what we ourselves have written. Source: the vendor's
// page on contact change callbacks, as of 2022-08-15.
type Listener struct {
	o    ListenerOptions
	seal *seal
}

var _ http.Handler = (*Listener)(nil)

// NewListener checks the options. Faults: Invalid.
func NewListener(o ListenerOptions) (*Listener, error) {
	var errs []error
	if o.CorpID == "" || o.Token == "" || o.Now == nil || o.Tell == nil {
		errs = append(errs, fault.New(fault.Invalid, "wecom events: corp_id, token or clock is missing / 企业微信事件：corp_id、token 或时钟缺失"))
	}
	s, err := newSeal(o.Token, o.AESKey, o.CorpID)
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Listener{o: o, seal: s}, nil
}

// ServeHTTP answers the console's test of the address, and takes events. What is
// forged, stale or foreign gets 401; what is malformed 400.
func (l *Listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var answer []byte
	v := verdict{status: http.StatusMethodNotAllowed}
	switch r.Method {
	case http.MethodGet:
		answer, v = l.unseal(r, r.URL.Query().Get("echostr"))
	case http.MethodPost:
		answer, v = l.take(w, r)
	}
	if v.status != http.StatusOK {
		l.o.Logger.WarnContext(r.Context(), "contact event refused", v.attrs()...)
		w.WriteHeader(v.status)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(answer) //nolint:gosec // plain text, with nosniff; it is what the vendor itself has sealed
}

// verdict is how a request ends.
type verdict struct {
	status int
	skew   time.Duration // of the signed time, when that is why it is refused
}

// attrs says in the log how far the time of a genuine signature is from ours: it is a
// replay, or a clock is wrong, and then every event is refused.
func (v verdict) attrs() []any {
	if v.skew == 0 {
		return []any{"status", v.status}
	}
	return []any{"status", v.status, "clock_skew", v.skew.String()}
}

// unseal checks a request's signature and time, and opens what came with it.
func (l *Listener) unseal(r *http.Request, encrypted string) ([]byte, verdict) {
	q := r.URL.Query()
	for _, name := range []string{"msg_signature", "timestamp", "nonce"} {
		if len(q[name]) != 1 {
			return nil, verdict{status: http.StatusUnauthorized}
		}
	}
	if !l.seal.signed(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), encrypted) {
		return nil, verdict{status: http.StatusUnauthorized}
	}
	at, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	if err != nil || at <= 0 || len(q.Get("timestamp")) > stampLength {
		return nil, verdict{status: http.StatusUnauthorized}
	}
	// Whole seconds on both sides: the vendor's stamp has no more.
	if skew := l.o.Now().Truncate(time.Second).Sub(time.Unix(at, 0)); skew.Abs() > eventWindow {
		return nil, verdict{status: http.StatusUnauthorized, skew: skew}
	}
	plain, err := l.seal.open(encrypted)
	if err != nil {
		return nil, verdict{status: http.StatusUnauthorized}
	}
	return plain, verdict{status: http.StatusOK}
}

// take takes one event.
func (l *Listener) take(w http.ResponseWriter, r *http.Request) ([]byte, verdict) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, eventLimit))
	if err != nil {
		return nil, verdict{status: http.StatusRequestEntityTooLarge}
	}
	var envelope struct {
		Encrypt string `xml:"Encrypt"`
	}
	if decodeXML(body, &envelope) != nil || envelope.Encrypt == "" {
		return nil, verdict{status: http.StatusBadRequest}
	}
	plain, v := l.unseal(r, envelope.Encrypt)
	if v.status != http.StatusOK {
		return nil, v
	}
	hints, err := eventHints(plain)
	if err != nil {
		l.o.Logger.WarnContext(r.Context(), "contact event cannot be read")
	}
	if len(hints) > 0 {
		l.o.Tell(r.Context(), hints)
	}
	return []byte("success"), v
}

// decodeXML reads one small document. Go's decoder knows no external entities and
// expands none of its own.
func decodeXML(raw []byte, into any) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict = true
	return d.Decode(into)
}

var errEvent = errors.New("malformed event")

// eventHints gives what an event says. One that cannot be read says that something
// changed.
func eventHints(plain []byte) ([]directory.Hint, error) {
	var in struct {
		Event  string `xml:"Event"`
		Change string `xml:"ChangeType"`
		UserID string `xml:"UserID"`
		NewID  string `xml:"NewUserID"`
		Party  string `xml:"Id"`
	}
	if err := decodeXML(plain, &in); err != nil {
		return []directory.Hint{{}}, errEvent
	}
	if in.Event != "change_contact" {
		return nil, nil
	}
	user := func(id string, gone bool) directory.Hint {
		return directory.Hint{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Gone: gone}
	}
	party := func(gone bool) directory.Hint {
		return directory.Hint{Key: directory.Key{Kind: directory.Department, ID: directory.ID(in.Party)}, Gone: gone}
	}
	switch in.Change {
	case "create_user":
		return []directory.Hint{user(in.UserID, false)}, nil
	case "update_user":
		if in.NewID != "" && in.NewID != in.UserID { // another id is another object here
			return []directory.Hint{user(in.UserID, true), user(in.NewID, false)}, nil
		}
		return []directory.Hint{user(in.UserID, false)}, nil
	case "delete_user":
		return []directory.Hint{user(in.UserID, true)}, nil
	case "create_party", "update_party":
		return []directory.Hint{party(false)}, nil
	case "delete_party":
		return []directory.Hint{party(true)}, nil
	default:
		return nil, nil // tags, and what is not known
	}
}
