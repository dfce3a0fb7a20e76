package dingtalksim

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSignatureVectors(t *testing.T) {
	t.Parallel()
	for _, v := range []struct{ timestamp, secret, plain, escaped string }{
		{"1577262236757", "this is a secret", "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA=", "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA%3D"},
		{"1700000000000", "SEC" + strings.Repeat("0", 60) + "abcd", "LfRah3Ez4ZqolKBE6aWwJvYZ+oYrCgeT747Rkk7rtDI=", "LfRah3Ez4ZqolKBE6aWwJvYZ%2BoYrCgeT747Rkk7rtDI%3D"},
		{"1700000000002", "SECexample", "YT7/FZACkFUlBiZXsLLxEy2viBHwqjxxCGDe+4v2PGc=", "YT7%2FFZACkFUlBiZXsLLxEy2viBHwqjxxCGDe%2B4v2PGc%3D"},
		{"1600000000000", "SECexample", "tqidp3AcFDCayCwQXwN/90MOSIid1v09VI+euh8gbqM=", "tqidp3AcFDCayCwQXwN%2F90MOSIid1v09VI%2Beuh8gbqM%3D"},
	} {
		got := signature(v.timestamp, v.secret)
		if got != v.plain || url.QueryEscape(got) != v.escaped {
			t.Errorf("signature(%s, %s) = %s", v.timestamp, v.secret, got)
		}
	}
}

func TestFresh(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1700000000000)
	for text, want := range map[string]bool{
		"1700000000000": true, "1700003600000": true, "1700003600001": false, "1699996400000": true,
		"1699996399999": false, "": false, "soon": false, "1700000000": false, "9223372036854775807": false,
	} {
		if got := fresh(text, now); got != want {
			t.Errorf("fresh(%q) = %v", text, got)
		}
	}
}

// receiver is a callback that keeps what it got and answers what it is told.
func receiver(t *testing.T, status int, answer string) (string, <-chan letter) {
	t.Helper()
	got := make(chan letter, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- letter{r.Header, body}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

type letter struct {
	header http.Header
	body   []byte
}

func (l letter) genuine(b bench) bool {
	timestamp := l.header.Get("timestamp")
	return fresh(timestamp, b.clock.Now()) && l.header.Get("sign") == signature(timestamp, b.opts.ClientSecret)
}

func utterance(text string) Utterance {
	return Utterance{Conversation: group, Staff: "zhou", Text: text}
}

func TestPost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetBaseURL(b.base)
	target, letters := receiver(t, 202, "taken")
	p, err := b.Post(t.Context(), target, utterance("状态"), PostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l := <-letters
	if p.Status != 202 || string(p.Body) != "taken" || !l.genuine(b) ||
		l.header.Get("timestamp") != millis(b.clock.Now()) ||
		l.header.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("posted %+v, got %v", p, l.header)
	}
	m, err := decodeObject(l.body)
	if err != nil || m.text("msgId") != p.MessageID || m.child("text").text("content") != " 状态" {
		t.Errorf("body: %v, %v", m, err)
	}
	if got := b.post(t, m.text("sessionWebhook"), textBody("好")); got.errcode() != 0 {
		t.Errorf("answer by session webhook: %s", got.raw)
	}
	if got := b.Messages(group); len(got) != 1 || got[0].AnswerTo != p.MessageID {
		t.Errorf("messages: %+v", got)
	}
}

func TestPostForged(t *testing.T) {
	t.Parallel()
	stale := time.Date(2026, 3, 9, 8, 59, 59, 0, time.UTC)
	for _, c := range []struct {
		name    string
		say     SayOptions
		options PostOptions
		check   func(bench, letter, object) bool
	}{
		{"bad sign", SayOptions{}, PostOptions{BadSign: true}, func(b bench, l letter, _ object) bool {
			return !l.genuine(b) && l.header.Get("sign") != ""
		}},
		{"no sign", SayOptions{}, PostOptions{NoSign: true}, func(_ bench, l letter, _ object) bool {
			return l.header["Sign"] == nil && l.header["Timestamp"] == nil
		}},
		{"stale", SayOptions{}, PostOptions{Timestamp: stale}, func(b bench, l letter, _ object) bool {
			return !l.genuine(b) && l.header.Get("sign") == signature(millis(stale), b.opts.ClientSecret)
		}},
		{"wrong robot", SayOptions{RobotCode: "other"}, PostOptions{}, func(b bench, l letter, o object) bool {
			return l.genuine(b) && o["robotCode"] == "other"
		}},
		{"wrong corp", SayOptions{ChatbotCorpID: "other", SenderCorpID: "other"}, PostOptions{}, func(b bench, l letter, o object) bool {
			return l.genuine(b) && o["chatbotCorpId"] == "other" && o["senderCorpId"] == "other"
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.SetBaseURL(b.base)
			target, letters := receiver(t, 403, "")
			u := utterance("批准 7K3MQ2 删除=3")
			u.SayOptions = c.say
			p, err := b.Post(t.Context(), target, u, c.options)
			if err != nil || p.Status != 403 {
				t.Fatalf("posted %+v, %v", p, err)
			}
			l := <-letters
			o, err := decodeObject(l.body)
			if err != nil || !c.check(b, l, o) {
				t.Errorf("got %v %s", l.header, l.body)
			}
		})
	}
}

func TestPostReplay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetBaseURL(b.base)
	target, letters := receiver(t, 200, "")
	captured, err := b.Post(t.Context(), target, utterance("状态"), PostOptions{})
	if err != nil {
		t.Fatal(err)
	}
	first := <-letters
	b.clock.Add(10 * time.Minute)
	if _, err := b.Post(t.Context(), target, Utterance{}, PostOptions{Replay: &captured}); err != nil {
		t.Fatal(err)
	}
	again := <-letters
	if !bytes.Equal(first.body, again.body) || first.header.Get("sign") != again.header.Get("sign") {
		t.Error("a replay differs from what was captured")
	}
	_, err = b.Post(t.Context(), target, Utterance{}, PostOptions{Replay: &captured, Alter: func(body []byte) []byte {
		return bytes.Replace(body, []byte("状态"), []byte("批准 7K3MQ2"), 1)
	}})
	if err != nil {
		t.Fatal(err)
	}
	altered := <-letters
	if !altered.genuine(b) || !strings.Contains(string(altered.body), "批准 7K3MQ2") {
		t.Errorf("altered: %s", altered.body)
	}
	if strings.Contains(string(captured.SentBody), "批准") {
		t.Error("altering a replay changed what was captured")
	}
}

func TestPostAnswerIsSaid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, answer     string
		said, complaints int
	}{
		{"message", `{"msgtype":"text","text":{"content":"收到"}}`, 1, 0},
		{"silence", `{"msgtype":"empty"}`, 0, 0},
		{"nothing", ``, 0, 0},
		{"other JSON", `{"ok":true}`, 0, 0},
		{"bad message", `{"msgtype":"markdown","markdown":{"title":"x","text":""}}`, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.SetBaseURL(b.base)
			heard := make(chan Message, 1)
			b.OnMessage(func(m Message) { heard <- m })
			target, _ := receiver(t, 200, c.answer)
			p, err := b.Post(t.Context(), target, utterance("状态"), PostOptions{})
			if err != nil {
				t.Fatal(err)
			}
			said := b.Messages(group)
			if len(said) != c.said || len(b.Complaints()) != c.complaints || len(heard) != c.said {
				t.Fatalf("said %+v, complaints %q", said, b.Complaints())
			}
			if c.said == 1 && (said[0].Via != ViaCallback || said[0].AnswerTo != p.MessageID) {
				t.Errorf("said %+v", said[0])
			}
		})
	}
}

func TestPostTransport(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.CallbackWithin = 20 * time.Millisecond })
	b.SetBaseURL(b.base)
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(slow.Close)
	t.Cleanup(func() { close(release) })
	_, err := b.Post(t.Context(), slow.URL+"/hook/unguessable", utterance("状态"), PostOptions{})
	if err == nil || strings.Contains(err.Error(), "unguessable") {
		t.Errorf("slow callback: %v", err)
	}
	if _, err := b.Post(t.Context(), "http://127.0.0.1:1/unguessable", utterance("状态"), PostOptions{}); err == nil ||
		strings.Contains(err.Error(), "unguessable") {
		t.Errorf("no callback: %v", err)
	}
	if _, err := b.Post(t.Context(), slow.URL, Utterance{Conversation: "none"}, PostOptions{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown conversation: %v", err)
	}
}
