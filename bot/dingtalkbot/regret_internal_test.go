package dingtalkbot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

	"github.com/rollcallhq/rollcall/bot"
)

// regretRoom is a room of DingTalk without a network, in which nothing can be accepted.
type regretRoom struct {
	t   *testing.T
	b   *Bot
	ear *ear

	mu   sync.Mutex
	fail int // so many calls are answered by nobody
	said []regretSaid
}

// regretSaid is one thing that the robot said.
type regretSaid struct {
	at    time.Time
	text  string
	named []string
	robot bool // by the robot's own call
}

// alwaysRoom is a shared limiter that lets everything through: each process counts its
// own beside it.
type alwaysRoom struct{}

func (alwaysRoom) Take(context.Context, string, int, time.Duration) (time.Duration, error) {
	return 0, nil
}

// newRegretRoom makes one; turns is what the bot tells of the room in the chat, nil: as
// it counts.
func newRegretRoom(t *testing.T, receive string, turns func(context.Context, bot.Outgoing) time.Duration) *regretRoom {
	t.Helper()
	r := &regretRoom{t: t}
	var err error
	r.b, err = New(Options{
		ClientID: "id", ClientSecret: "secret", CorpID: "corp", Receive: receive, Conversations: []string{"cid"}, Now: time.Now,
		HTTPClient: &http.Client{Transport: r},
	})
	if err != nil {
		t.Fatal(err)
	}
	if turns == nil {
		count := bot.NewCounter(alwaysRoom{}, time.Now, slog.New(slog.DiscardHandler))
		turns = func(ctx context.Context, o bot.Outgoing) time.Duration {
			return count.Take(ctx, o.Chat, 18, time.Minute)
		}
	}
	r.b.Turns(turns)
	r.ear = &ear{b: r.b, receive: func(context.Context, bot.Message) error { return errors.New("the record cannot be written") }}
	return r
}

// RoundTrip is the platform.
func (r *regretRoom) RoundTrip(q *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	answer := `{"errcode":0}`
	switch q.URL.Path {
	case "/v1.0/oauth2/accessToken":
		answer = `{"accessToken":"t","expireIn":7200}`
	case sessionPath, "/v1.0/robot/groupMessages/send":
		if r.fail > 0 {
			r.fail--
			return nil, errors.New("nobody answers")
		}
		r.said = append(r.said, readSaid(raw, q.URL.Path != sessionPath))
	default:
		r.t.Errorf("a call of %s", q.URL.Path)
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer)), Header: http.Header{}, Request: q}, nil
}

func readSaid(raw []byte, robot bool) regretSaid {
	var in struct {
		Text  struct{ Content string }
		Param string `json:"msgParam"`
		At    struct{ AtUserIDs []string }
	}
	_ = json.Unmarshal(raw, &in) // what cannot be read says nothing, and the test fails
	return regretSaid{time.Now(), in.Text.Content + in.Param, in.At.AtUserIDs, robot}
}

// asks is a message of somebody, as the platform delivers it.
func (r *regretRoom) asks(staff string, n int) []byte {
	raw, err := json.Marshal(map[string]any{
		"conversationId": "cid", "conversationType": "2", "msgId": fmt.Sprint("m", n), "msgtype": "text", "text": map[string]string{"content": "同步 hr"},
		"senderStaffId": staff, "senderCorpId": "corp", "chatbotCorpId": "corp", "robotCode": "id", "createAt": time.Now().UnixMilli(),
		"sessionWebhook": DefaultOAPIURL + sessionPath + "?session=x" + strconv.Itoa(n), "sessionWebhookExpiredTime": time.Now().Add(time.Hour).UnixMilli(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return raw
}

// refused delivers a message that is not accepted.
func (r *regretRoom) refused(staff string, n int) {
	if _, err := (&stream{ear: r.ear}).message(r.t.Context(), &payload.DataFrame{Data: string(r.asks(staff, n))}); err == nil {
		r.t.Errorf("message %d is acknowledged", n)
	}
}

func (r *regretRoom) all() []regretSaid {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.said)
}

// named gives who was told, and when first.
func (r *regretRoom) named() map[string]time.Time {
	when := map[string]time.Time{}
	for _, s := range r.all() {
		for _, name := range s.named {
			if _, twice := when[name]; !twice {
				when[name] = s.at
			}
			if !strings.Contains(s.text, "@"+name) {
				r.t.Errorf("%s is mentioned, and not in the text: %q", name, s.text)
			}
		}
	}
	return when
}

// mostInAMinute gives how many messages at most were said within one minute.
func mostInAMinute(said []regretSaid) int {
	most := 0
	for i := range said {
		n := 0
		for _, s := range said[i:] {
			if s.at.Sub(said[i].at) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// TestACrowdIsToldTogether: of many in one room each is told, who comes when the room has
// had almost what the platform allows together with others, and within a minute.
func TestACrowdIsToldTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegretRoom(t, Stream, nil)
		const people = 300
		asked := map[string]time.Time{}
		for i := range people {
			staff := fmt.Sprint("u", i)
			asked[staff] = time.Now()
			r.refused(staff, 2*i)
			if i%3 == 0 { // some try again at once
				r.refused(staff, 2*i+1)
			}
			time.Sleep(200 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		told := r.named()
		for staff, at := range asked {
			if when, is := told[staff]; !is || when.Sub(at) > 62*time.Second {
				t.Errorf("%s was told: %v, after %v", staff, is, when.Sub(at))
			}
		}
		said := r.all()
		if n := mostInAMinute(said); n > 18 {
			t.Errorf("%d messages within a minute", n)
		}
		together := 0
		for _, s := range said {
			if len(s.named) > maxMentions {
				t.Errorf("%d people are mentioned at once", len(s.named))
			}
			want := sorryLost
			if len(s.named) > 1 {
				together, want = together+1, sorryAll
			}
			if !strings.HasPrefix(s.text, want) {
				t.Errorf("%d people are told %q", len(s.named), s.text)
			}
		}
		if together == 0 {
			t.Error("nobody was told together with others")
		}
		if len(r.b.crowds.all) != 0 || r.b.crowds.names != 0 {
			t.Errorf("%d crowds and %d names are remembered", len(r.b.crowds.all), r.b.crowds.names)
		}
	})
}

// TestWhoWaitsIsToldBeforeTheEnd: closing waits for nobody's turn, and nobody is left
// untold.
func TestWhoWaitsIsToldBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegretRoom(t, Stream, nil)
		for i := range 40 {
			r.refused(fmt.Sprint("u", i), i)
		}
		if n := len(r.all()); n != 18 {
			t.Fatalf("%d were told at once", n)
		}
		began := time.Now()
		r.ear.close()
		if told := r.named(); len(told) != 40 || time.Since(began) != 0 {
			t.Errorf("%d of 40 were told, the end came after %v", len(told), time.Since(began))
		}
		if n := len(r.all()); n != 19 {
			t.Errorf("%d messages", n)
		}
		r.b.regret(t.Context(), bot.Message{ID: "late", Chat: "cid", Sender: []string{"u99"}}, sorryLost) // who comes later is told at once
		if n := len(r.all()); n != 20 {
			t.Errorf("%d messages", n)
		}
	})
}

// TestWhoHasWaitedAMinuteIsTold: though the room is full of what others say.
func TestWhoHasWaitedAMinuteIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegretRoom(t, Stream, func(context.Context, bot.Outgoing) time.Duration { return 7 * time.Second })
		began := time.Now()
		for i := range 60 {
			r.refused(fmt.Sprint("u", i), i)
		}
		time.Sleep(5 * time.Minute)
		said := r.all()
		if told := r.named(); len(told) != 60 || len(said) != 2 {
			t.Fatalf("%d of 60 were told, in %d messages", len(told), len(said))
		}
		for i, s := range said {
			if after := s.at.Sub(began); after != time.Duration(i+1)*time.Minute {
				t.Errorf("message %d after %v", i, after)
			}
		}
	})
}

// TestNobodyIsToldWhileThePlatformWantsSilence: it would only become angrier.
func TestNobodyIsToldWhileThePlatformWantsSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		quiet := time.Now().Add(10 * time.Minute)
		r := newRegretRoom(t, Stream, func(context.Context, bot.Outgoing) time.Duration { return time.Until(quiet) })
		for i := range 10 {
			r.refused(fmt.Sprint("u", i), i)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		if said := r.all(); len(said) != 1 || len(said[0].named) != 10 || !said[0].at.Equal(quiet) {
			t.Errorf("said was %+v", said)
		}
	})
}

// TestADeadPlatformHoldsUpNoEnd: when everything closes and the platform is silent, that is
// found out once.
func TestADeadPlatformHoldsUpNoEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegretRoom(t, Stream, func(context.Context, bot.Outgoing) time.Duration { return time.Minute })
		for i := range 300 {
			r.refused(fmt.Sprint("u", i), i)
		}
		r.fail = 1000
		r.ear.close()
		if calls := 1000 - r.fail; calls == 0 || calls > 2 || r.b.Refused()[unanswered] != 6 {
			t.Errorf("%d calls, %v", calls, r.b.Refused())
		}
	})
}

// TestWhoCannotBeToldIsToldLater: when the platform does not answer, or never.
func TestWhoCannotBeToldIsToldLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegretRoom(t, Stream, nil)
		r.fail = 4
		r.refused("u1", 1)
		time.Sleep(time.Second)
		r.refused("u2", 2)
		time.Sleep(5 * time.Minute)
		if told := r.named(); len(told) != 2 || r.b.Refused()[unanswered] != 0 {
			t.Errorf("told are %v; %v", told, r.b.Refused())
		}
		r.fail = 1000
		r.refused("u3", 3)
		time.Sleep(time.Hour)
		if told := r.named(); len(told) != 2 || r.b.Refused()[unanswered] != 1 || r.fail == 0 || r.fail < 980 {
			t.Errorf("told are %v; %v; %d tries", told, r.b.Refused(), 1000-r.fail)
		}
		synctest.Wait()
		if len(r.b.crowds.all) != 0 || r.b.crowds.names != 0 {
			t.Errorf("%d crowds and %d names are remembered", len(r.b.crowds.all), r.b.crowds.names)
		}
	})
}

// TestCrowdsAreBounded: who comes beyond is told with the others, without a name; in a chat
// beyond nobody waits.
func TestCrowdsAreBounded(t *testing.T) {
	t.Parallel()
	var r crowds
	var begun []*crowd
	join := func(chat, staff string) bool {
		return r.join(bot.Message{ID: staff, Chat: chat, Sender: []string{staff}}, sorryLost, func(c *crowd) { begun = append(begun, c) })
	}
	for i := range crowdNames + 100 {
		if !join("cid", fmt.Sprint("u", i)) {
			t.Fatalf("sender %d does not wait", i)
		}
	}
	waiting := 0
	for i := range allCrowds + 5 {
		if join(fmt.Sprint("cid", i), "v") {
			waiting++
		}
	}
	if waiting != allCrowds-1 || len(r.all) != allCrowds || r.names != allNames || len(begun) != allCrowds {
		t.Errorf("%d wait in other chats; %d crowds and %d names are remembered, %d begun", waiting, len(r.all), r.names, len(begun))
	}
	named := map[string]bool{}
	for _, c := range begun {
		for over := false; !over; over = r.left(c) {
			o, _ := r.take(c)
			for _, name := range o.Mention {
				named[o.Chat+name] = true
			}
			if c == begun[0] && o.Card.Title != sorryAll || c != begun[0] && o.Card.Title != sorryLost {
				t.Errorf("%s is told %q", o.Chat, o.Card.Title)
			}
		}
	}
	if len(named) != allNames || r.names != 0 || len(r.all) != 0 {
		t.Errorf("%d were named; %d names and %d crowds are remembered", len(named), r.names, len(r.all))
	}
}

// TestACrowdByCallback: who finds no room gets an empty response, and the room hears it
// from the robot itself, once a minute at most; the address in the request is not used.
func TestACrowdByCallback(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRegretRoom(t, Callback, nil)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.b.Listen(ctx, r.ear.receive) }()
		handler := r.b.Handler(r.ear.receive)
		answers := 0
		post := func(n int) {
			stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
			q := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(string(r.asks(fmt.Sprint("u", n), n))))
			q.Header.Set("timestamp", stamp)
			q.Header.Set("sign", Sign(stamp, "secret"))
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, q)
			if strings.Contains(w.Body.String(), "没有收下") {
				answers++
			}
		}
		for i := range 50 {
			post(i)
		}
		if answers != 18 {
			t.Errorf("%d were answered at once", answers)
		}
		time.Sleep(61 * time.Second)
		said := r.all()
		if len(said) != 1 || !said[0].robot || !strings.Contains(said[0].text, sorryAll) {
			t.Errorf("the room hears %+v", said)
		}
		for i := range 50 {
			post(100 + i)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if said := r.all(); len(said) != 2 {
			t.Errorf("at the end the room has heard %+v", said)
		}
	})
}
