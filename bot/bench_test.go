package bot

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/run"
)

// recorded is an engine that keeps its runs in the record, as the real one does.
type recorded struct {
	*service
	kept *store.Store
}

func (r *recorded) Start(ctx context.Context, req run.Request) (run.Run, error) {
	code, err := run.NewCode(rand.Reader)
	if err != nil {
		return run.Run{}, err
	}
	one, _, err := r.kept.CreateRun(ctx, run.Run{
		Code: code, Flow: req.Flow, State: run.Queued, Trigger: req.Trigger, Apply: req.Apply, By: req.By, Thread: req.Thread, RequestID: req.ID, Created: time.Now(),
	})
	return one, err
}

// watch is a platform that notes when the first answer to each message comes.
type watch struct {
	platform
	first map[string]time.Time
	all   chan struct{}
	want  int
}

func (w *watch) Send(_ context.Context, o Outgoing, _, at string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, there := w.first[o.ReplyTo]; !there && o.ReplyTo != "" {
		w.first[o.ReplyTo] = time.Now()
		if len(w.first) == w.want {
			close(w.all)
		}
	}
	return "om_" + o.ReplyTo + at, nil
}

// benchBot serves on a record on the disk. Every message comes from a person and
// a room of its own, so that no limit is met.
func benchBot(b *testing.B) (*Bot, *watch) {
	b.Helper()
	s, err := store.Open(b.Context(), store.Options{Dir: b.TempDir(), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	w := &world{
		feishu:   &platform{name: run.Feishu, can: Abilities{Edit: true, Threads: true, Buttons: true, Forms: true}},
		dingtalk: &platform{name: run.DingTalk}, hook: &hook{platform{name: "hook"}},
		service: &service{now: time.Now, runs: map[run.Code]run.Run{}, people: people()},
	}
	p := &watch{platform: platform{name: run.Feishu, can: w.feishu.can}, first: map[string]time.Time{}, all: make(chan struct{}), want: b.N}
	o := w.options(time.Now)
	o.Service, o.Mailbox, o.Platforms, o.Limiter = &recorded{w.service, s}, s, []Platform{p}, queue.NewBuckets(time.Now)
	for i := range b.N {
		o.Rooms = append(o.Rooms, Room{Name: fmt.Sprint("room", i), Platform: run.Feishu, Chat: fmt.Sprint("oc_", i), Flows: []string{"*"}})
		o.People = append(o.People, run.Person{
			Name: fmt.Sprint("Person ", i), Accounts: []run.Account{{Platform: run.Feishu, ID: fmt.Sprint("ou_", i)}},
			Roles: map[run.Role][]string{run.Operator: {"*"}},
		})
	}
	bot, err := New(o)
	if err != nil {
		b.Fatal(err)
	}
	return bot, p
}

func nthMessage(i int) Message {
	return Message{
		Platform: run.Feishu, ID: fmt.Sprint("om_", i), Chat: fmt.Sprint("oc_", i), Sender: []string{fmt.Sprint("ou_", i)}, Addressed: true,
		Text: "同步 hr-to-wecom", At: time.Now(),
	}
}

// report gives the middle and the worst of a hundred.
func report(b *testing.B, name string, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	b.ReportMetric(ms(took[len(took)/2]), name+"-p50-ms")
	b.ReportMetric(ms(took[min(len(took)-1, len(took)*99/100)]), name+"-p99-ms")
}

// BenchmarkFirstAnswer measures from the arrival of "sync" until its first answer
// is handed to the platform, over the record on the disk, at a steady rate. Run
// it with -benchtime=300x or so: b.N is the number of commands.
func BenchmarkFirstAnswer(b *testing.B) {
	for _, rate := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(rate, " a second"), func(b *testing.B) {
			bot, p := benchBot(b)
			ctx, cancel := context.WithCancel(b.Context())
			ended := make(chan error)
			go func() { ended <- bot.Serve(ctx) }()
			began, acked := make([]time.Time, b.N), make([]time.Duration, b.N)
			var group sync.WaitGroup
			tick := time.NewTicker(time.Second / time.Duration(rate))
			defer tick.Stop()
			b.ResetTimer()
			for i := range b.N {
				<-tick.C
				group.Go(func() {
					began[i] = time.Now()
					if err := bot.Receive(ctx, nthMessage(i)); err != nil {
						b.Error(err)
					}
					acked[i] = time.Since(began[i])
				})
			}
			group.Wait()
			select {
			case <-p.all:
			case <-time.After(time.Minute):
				b.Error("some answers never came")
			}
			b.StopTimer()
			cancel()
			if err := <-ended; err != nil {
				b.Error(err)
			}
			took := make([]time.Duration, 0, b.N)
			for i := range b.N {
				took = append(took, p.first[fmt.Sprint("om_", i)].Sub(began[i]))
			}
			report(b, "answer", took)
			report(b, "ack", acked)
		})
	}
}

// BenchmarkReceive measures what a platform waits for: the claim in the record,
// at a hundred a second.
func BenchmarkReceive(b *testing.B) {
	bot, _ := benchBot(b)
	took := make([]time.Duration, b.N)
	var group sync.WaitGroup
	tick := time.NewTicker(time.Second / 100)
	defer tick.Stop()
	b.ResetTimer()
	for i := range b.N {
		<-tick.C
		group.Go(func() {
			began := time.Now()
			if err := bot.Receive(b.Context(), nthMessage(i)); err != nil {
				b.Error(err)
			}
			took[i] = time.Since(began)
		})
	}
	group.Wait()
	report(b, "ack", took)
}
