package main

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// TestT1_Stories plays the longer conversations of testdata/story, each once:
// parts of a plan, every tier, standing in, taking back, what is private and what
// people set. Their names begin with the attack that they try.
//
// They spend their time waiting for cards that are redrawn every two or three
// seconds, so a few are played side by side, whatever the number of processors.
func TestT1_Stories(t *testing.T) {
	t.Parallel()
	c := crowd{T: t, busy: &sync.WaitGroup{}, seats: make(chan struct{}, storiesAtOnce)}
	testscript.RunT(c, testscript.Params{
		Dir: filepath.Join("testdata", "story"), RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, "LANG=zh_CN.UTF-8", noRest)
			return nil
		},
	})
	c.busy.Wait()
}

const storiesAtOnce = 5

// crowd runs subtests side by side without counting them as parallel ones.
type crowd struct {
	*testing.T
	busy  *sync.WaitGroup
	seats chan struct{}
}

func (crowd) Parallel() {}

func (crowd) Verbose() bool { return testing.Verbose() }

func (c crowd) Run(name string, play func(testscript.T)) {
	c.busy.Go(func() {
		c.seats <- struct{}{}
		defer func() { <-c.seats }()
		c.T.Run(name, func(t *testing.T) { play(crowd{T: t, busy: c.busy, seats: c.seats}) })
	})
}

// unhurried gives calls the time that a test holds them for.
const unhurried = "{lease: 25s, sweep: 300ms, call: 20s, settle: 500ms}"

// brake holds the target before its next write, once n were made.
type brake struct {
	reached, open chan struct{}
}

func (s *service) brake(n int) *brake {
	b := &brake{make(chan struct{}), make(chan struct{})}
	var mu sync.Mutex
	writes := 0
	s.stage.WeCom.OnEffect(func(wecomsim.Effect) {
		mu.Lock()
		defer mu.Unlock()
		if writes++; writes == n {
			close(b.reached)
			<-b.open
		}
	})
	return b
}

// TestT1_PauseInTheMiddle pauses a flow while a change is under way: that one is
// settled, no other is begun, not even by another process or in the next sweep;
// resumed, the run goes on where it stood. Cancelled then, it reports what it did.
func TestT1_PauseInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]struct {
		line, want string
		ends       run.State
		writes     int
	}{
		"resume": {"@点名 恢复 hr-to-wecom", "已恢复", run.Succeeded, 12},
		"cancel": {"@点名 取消 {code} 不做了", "正在停止", run.Cancelled, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openService(t, stage.Options{Timing: unhurried})
			b := s.brake(4)
			code := s.approvedRun(t)
			<-b.reached
			s.ask(t, stage.FeishuRoom, "李敏", "@点名 暂停 hr-to-wecom 先等等", "已暂停：hr-to-wecom")
			close(b.open)
			until(t, "the fourth change is settled", func() bool { return s.done(t, code) == 4 })
			s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "没有执行")
			s.ask(t, stage.FeishuRoom, "周凯", "@点名 预演 hr-to-wecom", "预演完成") // another run of the flow was worked on meanwhile
			s.once(t, 4)
			if r := s.run(t, code); r.State != run.Applying {
				t.Fatalf("the paused run is %s", r.State)
			}
			s.ask(t, stage.FeishuRoom, "李敏", strings.ReplaceAll(after.line, "{code}", string(code)), after.want)
			until(t, "the run ends", func() bool { return s.run(t, code).State.Ended() })
			if r := s.run(t, code); r.State != after.ends || r.Outcome.Done != after.writes {
				t.Errorf("the run ends as %s, %+v", r.State, r.Outcome)
			}
			s.once(t, after.writes)
		})
	}
}

// approvedRun lets 李敏 ask and 周凯 approve.
func (s *service) approvedRun(t *testing.T) run.Code {
	t.Helper()
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
	r := s.awaitRun(t, "the run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting })
	s.ask(t, stage.FeishuRoom, "周凯", "@点名 批准 "+string(r.Code)+" 删除=3", "已批准")
	return r.Code
}

// run gives a run of the record.
func (s *service) run(t *testing.T, code run.Code) run.Run {
	t.Helper()
	r, err := s.app.store.Run(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// done counts the changes of a run that the journal has as done.
func (s *service) done(t *testing.T, code run.Code) int {
	t.Helper()
	entries, err := s.app.store.Entries(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if e.Step == run.StepDone {
			n++
		}
	}
	return n
}
