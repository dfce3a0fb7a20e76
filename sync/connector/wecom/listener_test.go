package wecom

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// sample are the vendor's published values, and those of a real corp that an open
// library tests with.
var sample = []struct {
	name, corp, token, key, timestamp, nonce, sealed, signature, plain string
}{
	{
		"address check", "wx5823bf96d3bd56c7", "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "1409659589", "263014780",
		"P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
		"5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1616140317555161061",
	},
	{
		"a real corp", "ww6a112864f8022910", "kjr2TKI8umCBfVF3wAHk8JiPwma5VBme", "4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws", "1583940690", "VHh7ymSeb0jc4lSb",
		"6KmUQuPVu7UhjyVqRdbo5SfcRqaHvbUlKSHFvBV2ZuR6TIlKsygcfeSd1GDplg1C5KSKr6UPHCaC/nIX3ZNt9w==",
		"1ba3cb09c0d2c2b3ed6900d37f91a6efae6cb011", "94966531020182955848408",
	},
	{
		"the same cipher, of DingTalk", "ding6ccabc44d2c8d38b", "mryue", "Yue0EfdN5900c1ce5cf6A152c63DDe1808a60c5ecd7", "1608001896814", "WL4PK6yA",
		"0vJiX6vliEpwG3U45CtXqi+m8PXbQRARJ8p8BbDuD1EMTDf0jKpQ79QS93qEk7XHpP6u+oTTrd15NRPvNvmBKyDCYxxOK+HZeKju4yhELOFchzNukR+t8SB/qk4ROMu3",
		"03044561471240d4a14bb09372dfcfd4fd0e40cb", `{"EventType":"check_url"}`,
	},
}

func TestSealOpensTheVendorsSamples(t *testing.T) {
	t.Parallel()
	for _, v := range sample {
		s, err := newSeal(v.token, v.key, v.corp)
		if err != nil {
			t.Fatal(err)
		}
		if !s.signed(v.signature, v.timestamp, v.nonce, v.sealed) {
			t.Errorf("%s: the signature is refused", v.name)
		}
		if s.signed(v.signature, v.timestamp, v.nonce+"1", v.sealed) {
			t.Errorf("%s: a signature of something else is taken", v.name)
		}
		if plain, err := s.open(v.sealed); err != nil || string(plain) != v.plain {
			t.Errorf("%s: %q, %v", v.name, plain, err)
		}
		other, err := newSeal(v.token, v.key, v.corp+"x")
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := other.open(v.sealed); err == nil {
			t.Errorf("%s: opened for another receiver: %q", v.name, plain)
		}
	}
}

func TestListenerAnswersTheSample(t *testing.T) {
	t.Parallel()
	v := sample[0]
	l := newListener(t, ListenerOptions{
		CorpID: v.corp, Token: v.token, AESKey: v.key,
		Now: func() time.Time { return time.Unix(1409659589, 0).Add(4 * time.Minute) }, Tell: func(context.Context, []directory.Hint) {},
	})
	q := url.Values{"msg_signature": {v.signature}, "timestamp": {v.timestamp}, "nonce": {v.nonce}, "echostr": {v.sealed}}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/callback?"+q.Encode(), nil))
	if w.Code != http.StatusOK || w.Body.String() != v.plain {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func newListener(t *testing.T, o ListenerOptions) *Listener {
	t.Helper()
	l, err := NewListener(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const sampleKey = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"

// TestListenerTakesEvents has the simulated vendor send each event, and forgeries
// of it.
func TestListenerTakesEvents(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	sim := wecomsim.New(wecomsim.Options{Now: func() time.Time { return now }})
	var got []directory.Hint
	l := newListener(t, ListenerOptions{
		CorpID: "ww-rollcall-sim", Token: "QDG6eK", AESKey: sampleKey, Now: func() time.Time { return now },
		Tell: func(_ context.Context, hints []directory.Hint) { got = append(got, hints...) },
	})
	user := func(id string, gone bool) directory.Hint {
		return directory.Hint{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Gone: gone}
	}
	party := func(gone bool) directory.Hint {
		return directory.Hint{Key: directory.Key{Kind: directory.Department, ID: "7"}, Gone: gone}
	}
	to := wecomsim.Callback{URL: "http://rollcall.example.com/callback", Token: "QDG6eK", AESKey: sampleKey}
	for name, c := range map[string]struct {
		event wecomsim.ContactEvent
		want  []directory.Hint
	}{
		"joined":         {wecomsim.ContactEvent{Change: "create_user", UserID: "u1", Departments: []int64{1}}, []directory.Hint{user("u1", false)}},
		"changed":        {wecomsim.ContactEvent{Change: "update_user", UserID: "u1"}, []directory.Hint{user("u1", false)}},
		"another id":     {wecomsim.ContactEvent{Change: "update_user", UserID: "u1", NewUserID: "u2"}, []directory.Hint{user("u1", true), user("u2", false)}},
		"left":           {wecomsim.ContactEvent{Change: "delete_user", UserID: "u1"}, []directory.Hint{user("u1", true)}},
		"department":     {wecomsim.ContactEvent{Change: "create_party", PartyID: 7, ParentID: 1, Name: "研发 & <核心>"}, []directory.Hint{party(false)}},
		"department off": {wecomsim.ContactEvent{Change: "delete_party", PartyID: 7}, []directory.Hint{party(true)}},
		"a tag":          {wecomsim.ContactEvent{Change: "update_tag"}, nil},
	} {
		send := func(change func(*http.Request, *wecomsim.Callback)) (int, []directory.Hint) {
			t.Helper()
			got = nil
			there := to
			if change != nil {
				change(nil, &there)
			}
			r, err := sim.EventRequest(t.Context(), there, c.event)
			if err != nil {
				t.Fatal(err)
			}
			if change != nil {
				change(r, &there)
			}
			w := httptest.NewRecorder()
			l.ServeHTTP(w, r)
			return w.Code, got
		}
		if status, hints := send(nil); status != http.StatusOK || !slices.Equal(hints, c.want) {
			t.Errorf("%s: %d %+v, want %+v", name, status, hints, c.want)
		}
		for forgery, change := range map[string]func(*http.Request, *wecomsim.Callback){
			"another token": func(_ *http.Request, to *wecomsim.Callback) { to.Token = "x" },
			"another key":   func(_ *http.Request, to *wecomsim.Callback) { to.AESKey = strings.Repeat("A", 43) },
			"another time": func(r *http.Request, _ *wecomsim.Callback) {
				if r != nil {
					q := r.URL.Query()
					q.Set("timestamp", strconv.FormatInt(now.Unix()+1, 10))
					r.URL.RawQuery = q.Encode()
				}
			},
			"two times": func(r *http.Request, _ *wecomsim.Callback) {
				if r != nil {
					r.URL.RawQuery += "&timestamp=1"
				}
			},
			"another body": func(r *http.Request, _ *wecomsim.Callback) {
				if r != nil {
					r.Body = io.NopCloser(strings.NewReader("<xml><Encrypt>" + sample[0].sealed + "</Encrypt></xml>"))
				}
			},
		} {
			if status, hints := send(change); status != http.StatusUnauthorized || len(hints) != 0 {
				t.Errorf("%s, %s: %d %+v", name, forgery, status, hints)
			}
		}
	}
}

// TestListenerTakesNothingStale sends what is signed well, and too early or too
// late.
func TestListenerTakesNothingStale(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	to := wecomsim.Callback{URL: "http://x/callback", Token: "QDG6eK", AESKey: sampleKey}
	for late, want := range map[time.Duration]int{
		-6 * time.Minute: 401, -4 * time.Minute: 200, 0: 200, 4 * time.Minute: 200, 6 * time.Minute: 401,
	} {
		told := 0
		l := newListener(t, ListenerOptions{
			CorpID: "ww-rollcall-sim", Token: "QDG6eK", AESKey: sampleKey, Now: func() time.Time { return now.Add(late) },
			Tell: func(context.Context, []directory.Hint) { told++ },
		})
		sim := wecomsim.New(wecomsim.Options{Now: func() time.Time { return now }})
		r, err := sim.EventRequest(t.Context(), to, wecomsim.ContactEvent{Change: "update_user", UserID: "u1"})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		l.ServeHTTP(w, r)
		if w.Code != want || (told == 1) != (want == http.StatusOK) {
			t.Errorf("%v late: %d, %d told", late, w.Code, told)
		}
	}
}

func TestListenerIsTakenByTheConsole(t *testing.T) {
	t.Parallel()
	now := time.Now()
	sim := wecomsim.New(wecomsim.Options{Now: func() time.Time { return now }})
	l := newListener(t, ListenerOptions{
		CorpID: "ww-rollcall-sim", Token: "QDG6eK", AESKey: sampleKey, Now: func() time.Time { return now },
		Tell: func(context.Context, []directory.Hint) { t.Error("a check of the address tells something") },
	})
	r, err := sim.VerifyRequest(t.Context(), wecomsim.Callback{URL: "http://x/callback", Token: "QDG6eK", AESKey: sampleKey}, "1616140317555161061")
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	l.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != "1616140317555161061" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
	for method, want := range map[string]int{http.MethodPut: 405, http.MethodPost: 400, http.MethodGet: 401} {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, "/callback", strings.NewReader("<xml/>")))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", method, w.Code, want)
		}
	}
}

func TestListenerOptions(t *testing.T) {
	t.Parallel()
	good := ListenerOptions{CorpID: "ww1", Token: "t", AESKey: sampleKey, Now: time.Now, Tell: func(context.Context, []directory.Hint) {}}
	for name, change := range map[string]func(*ListenerOptions){
		"corp":      func(o *ListenerOptions) { o.CorpID = "" },
		"token":     func(o *ListenerOptions) { o.Token = "" },
		"short key": func(o *ListenerOptions) { o.AESKey = "abc" },
		"odd key":   func(o *ListenerOptions) { o.AESKey = strings.Repeat("!", 43) },
		"tell":      func(o *ListenerOptions) { o.Tell = nil },
	} {
		o := good
		change(&o)
		_, err := NewListener(o)
		if err == nil {
			t.Errorf("without %s", name)
			continue
		}
		_, zh, _ := strings.Cut(err.Error(), " / ")
		if strings.Contains(name, "key") && (strings.Contains(zh, "has") || strings.Contains(zh, "letters") || !strings.Contains(zh, "aes_key 有误")) {
			t.Errorf("%s: the Chinese half is %q", name, zh)
		}
	}
}

func FuzzEventHints(f *testing.F) {
	f.Add([]byte("<xml><Event>change_contact</Event><ChangeType>update_user</ChangeType><UserID>u</UserID></xml>"))
	f.Add([]byte("<!DOCTYPE x [<!ENTITY a \"b\">]><xml>&a;</xml>"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		hints, err := eventHints(plain)
		if err != nil && len(hints) != 1 {
			t.Errorf("what cannot be read says %+v", hints)
		}
	})
}

func FuzzSealOpen(f *testing.F) {
	f.Add(sample[0].sealed)
	s, err := newSeal("t", sampleKey, "wx5823bf96d3bd56c7")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(_ *testing.T, sealed string) { _, _ = s.open(sealed) })
}
