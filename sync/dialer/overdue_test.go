package dialer

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

// woken is a context whose time is over though nobody has told it yet.
type woken struct {
	context.Context
	end time.Time
}

func (w woken) Deadline() (time.Time, bool) { return w.end, true }

// reached is what calls reach.
type reached struct{ calls int }

func (c *reached) RoundTrip(*http.Request) (*http.Response, error) {
	c.calls++
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}, nil
}

// closing tells whether it was closed.
type closing struct {
	*strings.Reader
	closed bool
}

func (b *closing) Close() error { b.closed = true; return nil }

func TestACallWhoseTimeIsOverIsNotMade(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  time.Duration
		made bool
	}{"over": {-time.Millisecond, false}, "not yet": {time.Minute, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, sent := &reached{}, &closing{Reader: strings.NewReader("x")}
			r, err := http.NewRequestWithContext(woken{t.Context(), time.Now().Add(tt.end)}, http.MethodPost, "http://a.example/", sent)
			if err != nil {
				t.Fatal(err)
			}
			res, err := discreet{to}.RoundTrip(r)
			if res != nil {
				_ = res.Body.Close()
			}
			if made := to.calls == 1; made != tt.made || (err == nil) != tt.made || !tt.made && (!errors.Is(err, context.DeadlineExceeded) || !sent.closed) {
				t.Errorf("made %v, %v, body closed %v", made, err, sent.closed)
			}
		})
	}
	now := time.Now()
	if !overdue(woken{t.Context(), now.Add(-1)}, now) || overdue(woken{t.Context(), now.Add(1)}, now) || overdue(context.Background(), now) {
		t.Error("the bound itself")
	}
	if asleep := now.Add(time.Hour).Round(0); !overdue(woken{t.Context(), now.Add(time.Minute)}, asleep) {
		t.Error("a machine that slept")
	}
}
