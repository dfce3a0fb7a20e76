package bot_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/bot/feishubot"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/feishutoken"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// pile is an outbox in memory: what it gives and takes back is what store.Store
// does, for letters that are all of other subjects. Only what a bot needs to send
// is there.
type pile struct {
	bot.Mailbox // what is not here is not asked for

	mu     sync.Mutex
	byWay  map[string][]*pending // in their order; those that were sent go now and then
	byID   map[string]*pending
	left   int
	empty  chan struct{}
	taken  int // letters handed out
	failed []string
}

type pending struct {
	run.Letter
	gone bool
}

func (p *pile) add(l run.Letter) {
	one := &pending{Letter: l}
	p.byWay[l.Way], p.byID[l.ID] = append(p.byWay[l.Way], one), one
	p.left++
}

func (p *pile) Outbox(_ context.Context, pick run.Pick) ([]run.Letter, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byWay[pick.Way] = slices.DeleteFunc(p.byWay[pick.Way], func(l *pending) bool { return l.gone })
	now := time.Now()
	lanes := map[string]bool{}
	var all []run.Letter
	for _, l := range p.byWay[pick.Way] {
		if len(all) == pick.Limit {
			break
		}
		if lanes[l.Lane] {
			continue
		}
		lanes[l.Lane] = true
		if !l.Due.After(now) && !l.Held.After(now) {
			l.Held = now.Add(pick.Hold)
			all = append(all, l.Letter)
		}
	}
	p.taken += len(all)
	return all, nil
}

func (p *pile) done(id, why string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if why != "" {
		p.failed = append(p.failed, why)
	}
	if p.byID[id].gone {
		p.failed = append(p.failed, "sent twice")
		return nil
	}
	p.byID[id].gone = true
	if p.left--; p.left == 0 {
		close(p.empty)
	}
	return nil
}

func (p *pile) back(id string, due time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.byID[id].Due, p.byID[id].Held = due, time.Time{}
	return nil
}

func (p *pile) Sent(_ context.Context, l run.Letter, _, _ string) error {
	return p.done(l.ID, "")
}

func (p *pile) Fail(_ context.Context, l run.Letter, why string) error {
	return p.done(l.ID, why)
}

func (p *pile) Delay(_ context.Context, l run.Letter, due time.Time) error {
	return p.back(l.ID, due)
}

func (p *pile) Place(context.Context, string) (string, bool, error)      { return "", false, nil }
func (p *pile) Tally(context.Context, string, int) (int, error)          { return 0, nil }
func (p *pile) Append(context.Context, run.Event, run.Audit) error       { return nil }
func (p *pile) Unhandled(context.Context, int) ([]run.Letter, error)     { return nil, nil }
func (p *pile) Events(context.Context, string, int) ([]run.Event, error) { return nil, nil }
func (p *pile) Retry(_ context.Context, l run.Letter, due time.Time, why string) error {
	p.mu.Lock()
	p.failed = append(p.failed, why)
	p.mu.Unlock()
	return p.back(l.ID, due)
}

func (p *pile) Settings(context.Context, run.SettingKind) ([]run.Setting, error) { return nil, nil }

// nobody is a service that nobody asks.
type nobody struct{ bot.Service }

// straight is a way to a handler without a network, which would keep the clock of a
// bubble from going on.
type straight struct{ to http.Handler }

func (s straight) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	in := r.Clone(r.Context())
	in.RequestURI, in.RemoteAddr = r.URL.RequestURI(), "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	s.to.ServeHTTP(w, in)
	return w.Result(), nil
}

const (
	drainLetters = 5000 // of each platform
	drainRooms   = 50   // of each
	drainThread  = 4    // letters of one thread
)

// drained is what the rooms saw.
type drained struct {
	mu    sync.Mutex
	at    map[string][]time.Time // by platform and chat
	order map[string][]string    // by thread: what was said
}

func (d *drained) hear(platform, chat, words string) {
	var thread string
	var n int
	if _, err := fmt.Sscanf(words, "%s %d", &thread, &n); err != nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at[platform] = append(d.at[platform], time.Now())
	d.at[platform+chat] = append(d.at[platform+chat], time.Now())
	d.order[thread] = append(d.order[thread], words)
}

// TestOutboxOfTenThousand drains an outbox of 10,000 letters through two replicas,
// into pretend platforms that refuse what comes too fast: nothing is refused, nothing
// is lost or doubled, the letters of a thread come in their order, and it takes hardly
// longer than the rates allow. The clock is the bubble's: minutes pass in no time.
func TestOutboxOfTenThousand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		feishu := feishusim.New(feishusim.Options{Now: time.Now, VerificationToken: "token", EncryptKey: "key"})
		ding := dingtalksim.New(dingtalksim.Options{ClientID: "ding", ClientSecret: "secret", CorpID: "corp", RobotCode: "robot", Now: time.Now})
		defer ding.Close()
		heard := &drained{at: map[string][]time.Time{}, order: map[string][]string{}}
		defer feishu.OnMessage(func(m feishusim.Message) { heard.hear("feishu", m.ChatID, m.Text()) })()
		ding.OnMessage(func(m dingtalksim.Message) { heard.hear("dingtalk", m.Conversation, m.Text) })
		p := &pile{byWay: map[string][]*pending{}, byID: map[string]*pending{}, empty: make(chan struct{})}
		var rooms []bot.Room
		for i := range drainRooms {
			chat := fmt.Sprint("c", i)
			feishu.AddChat(chat, chat)
			ding.AddConversation(chat, chat, chat)
			rooms = append(rooms, bot.Room{Name: "F" + chat, Platform: run.Feishu, Chat: chat}, bot.Room{Name: "D" + chat, Platform: run.DingTalk, Chat: chat})
		}
		for i := range drainLetters {
			for _, platform := range []run.Platform{run.Feishu, run.DingTalk} {
				p.add(drainLetter(t, platform, i))
			}
		}
		limiter := queue.NewBuckets(time.Now)
		ctx, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		began := time.Now()
		for range 2 {
			b, err := bot.New(bot.Options{
				Service: nobody{}, Mailbox: p, Platforms: []bot.Platform{drainFeishu(t, feishu), drainDing(t, ding)}, Rooms: rooms,
				Limiter: limiter, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			group.Go(func() { _ = b.Serve(ctx) })
		}
		select {
		case <-p.empty:
		case <-time.After(time.Hour):
			t.Errorf("%d letters are left after an hour", p.left)
		}
		took := time.Since(began)
		stop()
		group.Wait()
		heard.check(t, took)
		refused := feishu.Calls()["message.send"] - len(feishu.EffectsOf("message.send"))
		if refused != 0 || len(p.failed) > 0 {
			t.Errorf("the platforms refused: %d, %v", refused, p.failed)
		}
		t.Logf("%d letters in %v, %d times taken", 2*drainLetters, took, p.taken)
	})
}

// drainLetter is a letter of a thread in a room.
func drainLetter(t *testing.T, platform run.Platform, i int) run.Letter {
	t.Helper()
	chat, thread := fmt.Sprint("c", i%drainRooms), i/drainRooms/drainThread
	words := fmt.Sprintf("%s-%s-%d %d", platform, chat, thread, i)
	payload, err := json.Marshal(bot.Outgoing{Platform: platform, Chat: chat, Lang: bot.EN, Card: bot.Card{Title: words, Plain: true}, Answer: true})
	if err != nil {
		t.Fatal(err)
	}
	return run.Letter{ID: fmt.Sprintf("%s%d", platform, i), Lane: fmt.Sprintf("%s:%s:%d", platform, chat, thread), Way: string(platform), Payload: payload}
}

func drainFeishu(t *testing.T, sim *feishusim.Sim) bot.Platform {
	t.Helper()
	client := &http.Client{Transport: straight{sim.Handler()}}
	tokens := feishutoken.New(feishutoken.Options{BaseURL: "http://feishu.test", AppID: sim.AppID(), AppSecret: sim.AppSecret(), HTTPClient: client, Now: time.Now})
	b, err := feishubot.New(feishubot.Options{
		AppID: sim.AppID(), BaseURL: "http://feishu.test", EncryptKey: "key", VerificationToken: "token", BotOpenID: sim.BotID(), Tokens: tokens, HTTPClient: client, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func drainDing(t *testing.T, sim *dingtalksim.Sim) bot.Platform {
	t.Helper()
	b, err := dingtalkbot.New(dingtalkbot.Options{
		ClientID: "ding", ClientSecret: "secret", RobotCode: "robot", CorpID: "corp", APIURL: "http://ding.test", OAPIURL: "http://ding.test", Receive: dingtalkbot.Callback,
		Conversations: []string{"c0"}, HTTPClient: &http.Client{Transport: straight{sim.Handler()}}, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check sees that everything came once, in order, below the limits and soon.
func (d *drained) check(t *testing.T, took time.Duration) {
	t.Helper()
	for _, platform := range []string{"feishu", "dingtalk"} {
		if n := len(d.at[platform]); n != drainLetters {
			t.Errorf("%d letters came on %s, want %d", n, platform, drainLetters)
		}
	}
	for thread, said := range d.order {
		ordered := slices.IsSortedFunc(said, func(x, y string) int { return cmp.Compare(number(x), number(y)) })
		if !ordered || len(said) != drainThread {
			t.Errorf("%s heard %v", thread, said)
		}
	}
	for _, limit := range []struct {
		where string
		n     int
		per   time.Duration
	}{{"feishu", 1000, time.Minute}, {"feishu", 50, time.Second}, {"feishuc7", 5, time.Second}, {"dingtalk", 20, time.Second}, {"dingtalkc7", 20, time.Minute}} {
		if n := densest(d.at[limit.where], limit.per); n > limit.n {
			t.Errorf("%s: %d within %v, at most %d are allowed", limit.where, n, limit.per, limit.n)
		}
	}
	// In a DingTalk chat 18 go in a minute: the last of a hundred goes in the sixth.
	floor := time.Duration((drainLetters/drainRooms-1)/18) * time.Minute
	if took < floor || took > floor+floor/4 {
		t.Errorf("it took %v, the rates allow %v", took, floor)
	}
}

func number(words string) (n int) {
	_, _ = fmt.Sscanf(words, "%s %d", new(string), &n)
	return n
}

// densest gives how many times lie within one span at most.
func densest(times []time.Time, span time.Duration) int {
	best, from := 0, 0
	for i := range times {
		for times[i].Sub(times[from]) >= span {
			from++
		}
		best = max(best, i-from+1)
	}
	return best
}
