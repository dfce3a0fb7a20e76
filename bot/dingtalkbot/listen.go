package dingtalkbot

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/client"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/logger"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

	"github.com/rollcallhq/rollcall/bot"
)

// The topics that we take, and the types of frames.
const (
	topicBot     = "/v1.0/im/bot/messages/get"
	topicCard    = "/v1.0/card/instances/callback"
	topicPing    = "ping"
	typeCallback = "CALLBACK"
	typeSystem   = "SYSTEM"
)

// maxHandlers is how many frames the SDK takes at once; it drops what comes
// beyond, for good. The handlers only claim, so this many mean a record that has
// stood still for longer than a claim may take.
const maxHandlers = 10_000

// pauses are the times of keeping a connection; tests shorten them.
type pauses struct {
	first, last time.Duration // between two tries to connect
	watch       time.Duration // between two looks at a connection
	keepAlive   time.Duration // of idleness, after which a WebSocket ping goes out
	silence     time.Duration // without a frame, after which a connection that had pings is dead
}

func defaultPauses() pauses {
	return pauses{first: time.Second, last: time.Minute, watch: 15 * time.Second, keepAlive: 30 * time.Second, silence: 90 * time.Second}
}

// Listen receives messages until ctx ends, and returns nil then: by Stream over
// some connections, each kept alive by itself, or, with Callback, only by the
// Handler. Answers from memory are finished before it returns.
//
// The SDK's logger belongs to the whole process; the first Listen sets it. Two
// Bots of one process should not begin to listen at the same instant.
func (b *Bot) Listen(ctx context.Context, receive bot.Receive) error {
	b.crowds.open()
	if b.o.Receive == Callback {
		<-ctx.Done()
		b.crowds.close()
		return nil
	}
	silenceOnce()
	e := &ear{b: b, receive: receive}
	defer e.close()
	var streams sync.WaitGroup
	for range b.o.Streams {
		streams.Go(func() { e.keep(ctx) })
	}
	streams.Wait()
	return nil
}

// ear takes the frames of all connections of one Listen.
type ear struct {
	b       *Bot
	receive bot.Receive

	mu     sync.Mutex
	closed bool
	busy   sync.WaitGroup // frames, and answers from memory
	up     int            // connections that stand
}

// stands notes that so many more connections stand.
func (e *ear) stands(more int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.up += more
	if e.b.o.Changed != nil {
		e.b.o.Changed(e.up)
	}
}

// enter counts something that close waits for; false when it is too late.
func (e *ear) enter() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.busy.Add(1)
	return true
}

func (e *ear) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.busy.Wait()
	e.b.crowds.close() // when nobody can join them any more
}

// keep holds one connection until ctx ends. The SDK connects again when a
// connection ends; what it does not do is to try the first time more than once,
// and to notice a connection that answers pings and brings nothing.
func (e *ear) keep(ctx context.Context) {
	pause := e.b.pause.first
	for ctx.Err() == nil {
		began := e.b.o.Now()
		err := e.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		if e.b.o.Now().Sub(began) > e.b.pause.last {
			pause = e.b.pause.first
		}
		e.b.o.Logger.WarnContext(ctx, "stream not connected", "system", "dingtalk", "reason", reasonOf(err))
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1)) //nolint:gosec // jitter is no secret
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		pause = min(2*pause, e.b.pause.last)
	}
}

var errSilent = errors.New("silent")

// stream connects and stays until ctx ends or the connection is found dead.
func (e *ear) stream(ctx context.Context) error {
	s := &stream{ear: e}
	s.heard.Store(e.b.o.Now().UnixMilli())
	options := []client.ClientOption{
		client.WithAppCredential(client.NewAppCredentialConfig(e.b.o.ClientID, e.b.o.ClientSecret)),
		client.WithOpenApiHost(e.b.o.APIURL),
		client.WithKeepAlive(e.b.pause.keepAlive),
		client.WithMaxPendingHandlers(maxHandlers),
		client.WithSubscription(typeSystem, topicPing, s.ping),
		client.WithSubscription(typeCallback, topicBot, s.message),
	}
	if e.b.o.CardTemplate != "" {
		options = append(options, client.WithSubscription(typeCallback, topicCard, s.press))
	}
	if e.b.o.Contacts != nil {
		options = append(options, client.WithSubscription(typeEvent, topicEvents, s.contact))
	}
	c := client.NewStreamClient(options...)
	defer c.Close()
	if err := c.Start(ctx); err != nil {
		return err
	}
	e.b.o.Logger.InfoContext(ctx, "stream connected", "system", "dingtalk")
	e.stands(1)
	defer e.stands(-1)
	look := time.NewTicker(e.b.pause.watch)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			if s.dead(e.b.o.Now()) {
				return errSilent
			}
		}
	}
}

// stream is one connection.
type stream struct {
	*ear
	heard  atomic.Int64 // when the last frame came, in Unix milliseconds
	pinged atomic.Bool
}

// dead tells whether a connection that had pings has been silent for long.
func (s *stream) dead(now time.Time) bool {
	return s.pinged.Load() && now.UnixMilli()-s.heard.Load() > s.b.pause.silence.Milliseconds()
}

func (s *stream) alive() {
	now := s.b.o.Now().UnixMilli()
	s.heard.Store(now)
	s.b.heard.Store(now)
}

// ping answers the platform's own ping with what it holds.
func (s *stream) ping(_ context.Context, f *payload.DataFrame) (*payload.DataFrameResponse, error) {
	s.pinged.Store(true)
	s.alive()
	ack := payload.NewDataFrameAckPong(f.GetMessageId())
	ack.Data = f.Data
	return ack, nil
}

var errLate = errors.New("not taken: we are going")

// message takes one frame of a message to the robot. A frame that can never be
// taken is acknowledged all the same.
func (s *stream) message(ctx context.Context, f *payload.DataFrame) (*payload.DataFrameResponse, error) {
	s.alive()
	if !s.enter() {
		return nil, errLate
	}
	defer s.busy.Done()
	// The claim must not end with the connection that brought the message.
	ctx = context.WithoutCancel(ctx)
	m, verdict := s.b.hear(ctx, []byte(f.Data), door{receive: s.receive})
	s.sorry(ctx, m, verdict.sorry)
	if verdict.reason == notClaimed {
		return nil, errors.New(notClaimed)
	}
	return acknowledged(`{"response":null}`), nil
}

// sorry answers a sender of ours from memory, after the acknowledgement. Whoever calls
// it has entered, so that close waits for this as well, though it may have begun.
func (s *stream) sorry(ctx context.Context, m bot.Message, text string) {
	if text == "" || m.Foreign {
		return
	}
	s.busy.Go(func() { s.b.regret(ctx, m, text) })
}

func acknowledged(data string) *payload.DataFrameResponse {
	ack := payload.NewSuccessDataFrameResponse()
	ack.Message, ack.Data = "OK", data
	return ack
}

var codeShape = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,80}$`)

// reasonOf gives what may be logged of an error of the SDK, which holds the
// whole answer of the platform, or a URL: the platform's code, or our word.
func reasonOf(err error) string {
	if errors.Is(err, errSilent) {
		return errSilent.Error()
	}
	var answer struct {
		Code string `json:"code"`
	}
	if err != nil && json.Unmarshal([]byte(err.Error()), &answer) == nil && codeShape.MatchString(answer.Code) {
		return answer.Code
	}
	return "unreachable"
}

// silenceOnce is once for the process, as the SDK's logger is: two bots of one process
// must not set it at the same time.
var silenceOnce = sync.OnceFunc(silence)

// silence keeps the SDK from logging: its debug level prints the app's secret,
// its info level tickets, its errors what people wrote.
func silence() {
	if _, done := logger.GetLogger().(mute); !done {
		logger.SetLogger(mute{})
	}
}

// mute is a logger of the SDK that says nothing.
type mute struct{}

func (mute) Debugf(string, ...any)   {}
func (mute) Infof(string, ...any)    {}
func (mute) Warningf(string, ...any) {}
func (mute) Errorf(string, ...any)   {}
func (mute) Fatalf(string, ...any)   {}
