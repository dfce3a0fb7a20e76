package bot

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/store/queue"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// turn is a clock that several processes read and the test moves.
type turn struct {
	mu sync.Mutex
	at time.Time
}

func (c *turn) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *turn) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// wall is a platform as people see it: what stands where, in order, and what was
// said twice. It can throttle and lose answers.
type wall struct {
	platform
	clock  *turn
	shown  map[string][]int64 // versions of each message, by place
	said   []string           // titles of messages that are no card
	idems  map[string]string  // places, by idempotency key
	strict bool               // 429 when a message is edited within two seconds
	last   map[string]time.Time
	angry  int // how often that happened
	lose   int // the next answers are lost
}

func newWall(clock *turn) *wall {
	return &wall{
		platform: platform{name: run.Feishu, can: Abilities{Edit: true, Threads: true, Buttons: true, Forms: true, Direct: true}},
		clock:    clock, shown: map[string][]int64{}, idems: map[string]string{}, last: map[string]time.Time{},
	}
}

func (p *wall) Send(_ context.Context, o Outgoing, idem, at string) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, double := p.idems[idem]
	switch {
	case double && at == "": // Feishu's uuid: the same message, whatever is in it now
		return known, nil
	case at == "":
		at = fmt.Sprint("om_", len(p.idems))
	case p.strict && p.clock.now().Sub(p.last[at]) < 2*time.Second:
		p.angry++
		f := fault.New(fault.Limited, "frequency limit / 频率限制")
		f.After = 5 * time.Second
		return "", f
	}
	p.idems[idem], p.last[at] = at, p.clock.now()
	if o.Live != "" {
		p.shown[at] = append(p.shown[at], o.Version)
	} else {
		p.said = append(p.said, o.Card.Title)
	}
	if p.lose > 0 {
		p.lose--
		return "", fault.New(fault.Unavailable, "no answer / 没有回答")
	}
	return at, nil
}

// twins are two replicas on one record with one limiter.
type twins struct {
	t     *testing.T
	clock *turn
	wall  *wall
	bots  []*Bot
	kept  []*store.Store
}

func newTwins(t *testing.T) *twins {
	t.Helper()
	p := &twins{t: t, clock: &turn{at: morning}}
	p.wall = newWall(p.clock)
	dir, limits := t.TempDir(), queue.NewBuckets(p.clock.now)
	w := newWorld(t)
	for range 2 {
		s, err := store.Open(t.Context(), store.Options{Dir: dir, Now: p.clock.now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		o := w.options(p.clock.now)
		o.Mailbox, o.Platforms, o.Limiter, o.AdminRoom = s, []Platform{p.wall}, limits, "board"
		b, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		p.bots, p.kept = append(p.bots, b), append(p.kept, s)
	}
	return p
}

func (p *twins) post(letters ...run.Letter) {
	p.t.Helper()
	if err := p.kept[0].Post(p.t.Context(), letters); err != nil {
		p.t.Fatal(err)
	}
}

// card makes the letter of one drawing.
func (p *twins) card(code string, version int64) run.Letter {
	o := toOps(fmt.Sprint("v", version))
	o.Live, o.Version = "card:"+code+":oc_ops", version
	return p.bots[0].letter(letterID("card", code, fmt.Sprint(version)), "feishu:oc_ops:"+code, o)
}

// both lets the replicas send side by side.
func (p *twins) both() {
	p.t.Helper()
	var group sync.WaitGroup
	for _, b := range p.bots {
		group.Go(func() {
			if _, err := b.sendDue(p.t.Context()); err != nil {
				p.t.Errorf("send: %v", err)
			}
		})
	}
	group.Wait()
}

// T2: two replicas, a platform that throttles and loses answers, states that are
// written out of order: one card for each run, no older state after a newer one,
// the last state always, and what is said in a thread in its order, once.
func TestT2_TwoReplicasOnOneRecord(t *testing.T) {
	t.Parallel()
	p := newTwins(t)
	p.wall.strict = true
	const runs, states = 4, 12
	for v := int64(1); v <= states; v += 2 {
		for r := range runs {
			code := string(nthCode(r))
			p.post(p.card(code, v+1), p.card(code, v)) // the newer one is written first
			if v == 5 || v == 9 {
				title := fmt.Sprint("said ", code, " ", v)
				p.post(p.bots[0].letter(letterID(title), "feishu:oc_ops:"+code, toOps(title)))
			}
		}
		if v == 3 {
			p.wall.lose = 2
		}
		p.both()
		p.clock.add(700 * time.Millisecond)
	}
	for range 60 {
		p.both()
		p.clock.add(time.Second)
	}
	if len(p.wall.shown) != runs {
		t.Errorf("%d cards for %d runs: %v", len(p.wall.shown), runs, p.wall.shown)
	}
	for at, versions := range p.wall.shown {
		if !slices.IsSorted(versions) || versions[len(versions)-1] != states {
			t.Errorf("%s shows %v", at, versions)
		}
		if len(versions) > 9 {
			t.Errorf("%s is drawn %d times", at, len(versions))
		}
	}
	if len(p.wall.said) != 2*runs {
		t.Errorf("said %v", p.wall.said)
	}
	for r := range runs {
		own := slices.DeleteFunc(slices.Clone(p.wall.said), func(s string) bool { return !strings.Contains(s, string(nthCode(r))) })
		if !slices.IsSorted([]string{own[0][len(own[0])-1:], own[1][len(own[1])-1:]}) {
			t.Errorf("the thread reads %v", own)
		}
	}
	if p.wall.angry > 0 {
		t.Errorf("the platform was asked too fast %d times", p.wall.angry)
	}
	if n, err := p.kept[0].FailedLetters(t.Context()); n != 0 || err != nil {
		t.Errorf("%d letters are lost, %v", n, err)
	}
}

// dying is a record whose process dies before it can note that something was
// sent.
type dying struct {
	*store.Store
}

func (d dying) Sent(context.Context, run.Letter, string, string) error {
	return errors.New("the process is dead")
}

// T3: a crash between the sending and its note: the heir says nothing twice, the
// lane keeps its order, and the next drawing goes to the same card.
func TestT3_ACrashAfterSending(t *testing.T) {
	t.Parallel()
	p := newTwins(t)
	p.bots[0].o.Mailbox = dying{p.kept[0]}
	p.post(p.card("703020", 1), p.bots[0].letter("second", "feishu:oc_ops:703020", toOps("second")))
	if _, err := p.bots[0].sendDue(t.Context()); err == nil {
		t.Fatal("the dead process noted it")
	}
	heir := p.bots[1]
	p.post(p.card("703020", 2)) // must not make the first needless: it may stand already
	for range 3 {
		if _, err := heir.sendDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.wall.said) != 0 || len(p.wall.shown) != 1 {
		t.Fatalf("before the dead one's time is over: %v, %v", p.wall.said, p.wall.shown)
	}
	p.clock.add(holdTime)
	for range 6 {
		if _, err := heir.sendDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.clock.add(2 * time.Second)
	}
	if !slices.Equal(p.wall.said, []string{"second"}) {
		t.Errorf("said %v", p.wall.said)
	}
	if got := p.wall.shown["om_0"]; len(p.wall.shown) != 1 || !slices.Equal(got, []int64{1, 2}) {
		t.Errorf("cards %v", p.wall.shown)
	}
}

// ending is a platform in whose answer the process ends.
type ending struct {
	*wall
	end func()
}

func (e ending) Send(ctx context.Context, _ Outgoing, _, _ string) (string, error) {
	e.end()
	<-ctx.Done()
	return "", ctx.Err()
}

// Whoever ends gives the letter back that he holds: the next sends it at once.
func TestWhoEndsGivesItsLettersBack(t *testing.T) {
	t.Parallel()
	p := newTwins(t)
	ctx, end := context.WithCancel(t.Context())
	p.bots[0].platforms[run.Feishu] = ending{p.wall, end}
	p.post(p.card("703020", 1))
	if _, err := p.bots[0].sendDue(ctx); err != nil {
		t.Fatal(err)
	}
	p.clock.add(firstWait)
	if _, err := p.bots[1].sendDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := p.wall.shown["om_0"]; !slices.Equal(got, []int64{1}) {
		t.Errorf("cards %v", p.wall.shown)
	}
}

// A process that was frozen until its letter went to another sends nothing any
// more: its late drawing would flip the card.
func TestAFrozenProcessSendsNothing(t *testing.T) {
	t.Parallel()
	p := newTwins(t)
	p.post(p.card("703020", 1))
	letters, err := p.kept[0].Outbox(t.Context(), run.Pick{Limit: 9, Hold: holdTime})
	if err != nil || len(letters) != 1 {
		t.Fatal(letters, err)
	}
	p.clock.add(holdTime) // frozen here
	p.post(p.card("703020", 2))
	for range 3 {
		if _, err := p.bots[1].sendDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.clock.add(2 * time.Second)
	}
	before := fmt.Sprint(p.wall.shown)
	if _, err := p.bots[0].send(t.Context(), letters[0], 0); err != nil && fault.KindOf(err) != fault.Conflict {
		t.Fatal(err)
	}
	if after := fmt.Sprint(p.wall.shown); after != before || before != "map[om_0:[1 2]]" {
		t.Errorf("cards before %s, after %s", before, after)
	}
}

// A process that stood still, and wakes while another has its letter on the way, gives
// nothing back that is not its own: a third would send it a second time.
func TestAFrozenProcessGivesNothingBackThatAnotherHolds(t *testing.T) {
	t.Parallel()
	p := newTwins(t)
	p.post(p.card("703020", 1))
	pick := run.Pick{Limit: 9, Hold: holdTime}
	letters, err := p.kept[0].Outbox(t.Context(), pick)
	if err != nil || len(letters) != 1 {
		t.Fatal(letters, err)
	}
	p.clock.add(holdTime) // frozen here
	taken, err := p.kept[1].Outbox(t.Context(), pick)
	if err != nil || len(taken) != 1 {
		t.Fatal(taken, err)
	}
	if _, err := p.bots[0].send(t.Context(), letters[0], 0); err != nil {
		t.Errorf("another replica has it: %v", err)
	}
	if again, err := p.kept[0].Outbox(t.Context(), pick); err != nil || len(again) != 0 {
		t.Errorf("a letter that is on its way was handed out once more: %+v, %v", again, err)
	}
	if len(p.wall.shown) != 0 {
		t.Errorf("who stood still has sent it: %v", p.wall.shown)
	}
	if _, err := p.bots[1].send(t.Context(), taken[0], 0); err != nil || len(p.wall.shown) != 1 {
		t.Errorf("its holder: %v, %v", p.wall.shown, err)
	}
}

// A429 with a time is obeyed, and the letter is neither lost nor doubled.
func TestP6_RetryingNeverRunsWorkAgain(t *testing.T) {
	t.Parallel()
	p := newTwins(t)
	w := newWorld(t)
	for _, b := range p.bots {
		b.o.Service = w.service
	}
	m := w.message("Li Min", "ops", "同步 hr-to-wecom")
	if err := p.bots[0].Receive(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	p.wall.lose = 3
	for range 20 {
		for _, b := range p.bots {
			if _, err := newInbox(b).step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		p.both()
		p.clock.add(time.Duration(1+rand.IntN(3)) * time.Second)
	}
	if len(w.service.order) != 1 || len(p.wall.shown) != 1 {
		t.Errorf("%d runs, cards %v", len(w.service.order), p.wall.shown)
	}
}
