package bot

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Serve listens, answers, tells and sends, and has ended when it returns.
func TestServe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		w.clock = start
		o := w.options(time.Now)
		w.mail.now, w.service.now = time.Now, time.Now
		o.Digests = []DigestPlan{{Rooms: []string{"ops", "wall"}, Hour: start.In(shanghai).Hour(), Minute: 30}}
		b, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		w.b = b
		m := w.message("Li Min", "ops", "同步 hr-to-wecom")
		w.feishu.hears = []Message{m, m}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.Serve(ctx) }()
		synctest.Wait()
		if got := w.feishu.take(); len(got) != 1 || got[0].o.Live == "" || got[0].o.ReplyTo != m.ID {
			t.Fatalf("at once: %+v", got)
		}
		w.service.planned(run.Code(w.code()), aPlan(), run.Awaiting)
		time.Sleep(3 * time.Second)
		if got := w.feishu.take(); len(got) != 4 {
			t.Errorf("%d things of a plan in two rooms", len(got))
		}
		time.Sleep(time.Hour)
		hook, feishu := w.hook.take(), w.feishu.take()
		if len(hook) != 1 || len(feishu) != 1 || !strings.HasPrefix(hook[0].o.Card.Title, "日报") || !strings.HasPrefix(feishu[0].o.Card.Title, "Digest") {
			t.Errorf("digests: %+v, %+v", hook, feishu)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// deaf is a platform whose ear breaks.
type deaf struct {
	platform
	times []time.Time
}

func (d *deaf) Listen(context.Context, Receive) error {
	d.times = append(d.times, time.Now())
	return errors.New("the line is cut")
}

func TestABrokenEarIsOpenedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		d := &deaf{platform: platform{name: run.WeCom}}
		o := w.options(time.Now)
		o.Platforms = append(o.Platforms, d)
		b, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := b.Serve(ctx); err != nil {
			t.Error(err)
		}
		if n := len(d.times); n < 50 || n > 80 {
			t.Errorf("%d tries in an hour", n)
		}
	})
}

func TestDigestTimes(t *testing.T) {
	t.Parallel()
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	d := DigestPlan{Hour: 9, Minute: 7, Days: weekdays, Zone: shanghai}
	for now, want := range map[string]string{
		"2026-10-08 09:06": "2026-10-07 09:07", "2026-10-08 09:07": "2026-10-08 09:07", "2026-10-11 23:00": "2026-10-09 09:07", "2026-10-12 09:06": "2026-10-09 09:07",
	} {
		at, err := time.ParseInLocation("2006-01-02 15:04", now, shanghai)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := d.last(at)
		if !ok || got.Format("2006-01-02 15:04") != want {
			t.Errorf("before %s comes %s, want %s", now, got, want)
		}
	}
}

// Two replicas and a restart post one digest.
func TestADigestIsPostedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.b.o.Digests = []DigestPlan{{Rooms: []string{"ops", "team"}, Hour: 9, Minute: 30, Zone: shanghai}}
	for range 3 {
		table := newTimetable(w.b)
		for range 2 {
			if _, err := table.step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		w.clock = w.clock.Add(time.Minute)
	}
	if got := w.settle(); len(got) != 2 || got[0].by != "hook" || got[1].by != "dingtalk" {
		t.Errorf("posted: %+v", got)
	}
	w.clock = w.clock.Add(3 * time.Hour)
	if _, err := newTimetable(w.b).step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.settle(); len(got) != 0 {
		t.Errorf("three hours late: %d digests", len(got))
	}
}

func TestDigests(t *testing.T) {
	t.Parallel()
	for _, l := range []Lang{ZH, EN} {
		w := newWorld(t)
		end := func(state run.State, o run.Outcome) {
			code := w.scheduled()
			w.service.planned(code, aPlan(), state)
			w.service.move(code, run.EventProgress, func(r *run.Run) { r.Outcome = o })
			w.clock = w.clock.Add(time.Hour)
		}
		w.clock = w.clock.Add(-30 * time.Hour)
		end(run.Succeeded, run.Outcome{Done: 9})
		w.clock = w.clock.Add(15 * time.Hour)
		end(run.Succeeded, run.Outcome{Done: 4, Skipped: 1})
		end(run.Failed, run.Outcome{})
		end(run.Awaiting, run.Outcome{})
		card, err := w.b.digest(t.Context(), edition{lang: l, flows: []*Flow{w.b.flow("hr-to-wecom"), w.b.flow("secret-flow")}, since: w.clock.Add(-day)})
		if err != nil {
			t.Fatal(err)
		}
		check(t, "digest", l, card)
		golden(t, "testdata/cards/digest."+string(l)+".txt", cardText(card))
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := New(Options{})
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("no options at all: %v", err)
	}
	for name, change := range map[string]func(o *Options){
		`room "ops" stands twice`:                        func(o *Options) { o.Rooms = append(o.Rooms, Room{Name: "ops"}) },
		"the same chat":                                  func(o *Options) { o.Rooms = append(o.Rooms, Room{Name: "ops2", Platform: run.Feishu, Chat: "oc_ops"}) },
		`the admin room names the unknown room "nobody"`: func(o *Options) { o.AdminRoom = "nobody" },
		"unknown webhook":                                func(o *Options) { o.Rooms = append(o.Rooms, Room{Name: "x", Webhook: "none"}) },
		`flow "hr-to-wecom" stands twice`:                func(o *Options) { o.Flows = append(o.Flows, Flow{Name: "hr-to-wecom"}) },
		"unknown room":                                   func(o *Options) { o.Digests = []DigestPlan{{Rooms: []string{"none"}}} },
		"a digest at 24:00":                              func(o *Options) { o.Digests = []DigestPlan{{Hour: 24}} },
	} {
		w := newWorld(t)
		o := w.options(time.Now)
		change(&o)
		if _, err := New(o); fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
