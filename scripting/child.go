package scripting

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// endTime is how long a child that was told to end may take.
const endTime = 2 * time.Second

// child is the parent's side of one child process. It is used by one goroutine
// at a time.
type child struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	in     *bufio.Writer // to the child
	inPipe io.Closer
	out    *bufio.Reader // from the child
	errs   *tail

	over sync.Once
}

// deathError says that a child ended when it should not have.
type deathError struct {
	silent bool // it said nothing for too long
	cause  texts
}

func (e *deathError) Error() string { return "the rule process ended: " + e.cause.en }

// start starts a child and hands it the setup. The error is a *deathError when
// the child ended instead of answering, and a fault otherwise.
func (h *Host) start(ctx context.Context, s *setup) (*child, []summary, error) {
	c, err := h.launch() //nolint:contextcheck // a child serves many judgements; its watch ends it
	if err != nil {
		return nil, nil, fault.Wrap(fault.Unavailable, err, "a rule process does not start / 规则进程无法启动")
	}
	w := c.watchOver(ctx, h.o.CompileTime)
	f, err := c.ask(frameSetup, s.encode())
	if alive := w.end(); err != nil || !alive {
		return nil, nil, c.death(w)
	}
	sums, err := decodeReady(f.body)
	if err != nil || f.kind != frameReady {
		_ = c.death(w)
		return nil, nil, fault.New(fault.Internal, "a rule process answers nonsense / 规则进程的回答无法识别")
	}
	return c, sums, nil
}

// launch starts the process.
func (h *Host) launch() (*child, error) {
	// A child belongs to the host, not to a caller: it may serve several. What
	// ends it is kill or end.
	ctx, cancel := context.WithCancel(context.Background())
	cmd := h.o.Command(ctx)
	cmd.Env = []string{}
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	prepareCommand(cmd)
	c := &child{cmd: cmd, cancel: cancel, errs: &tail{}}
	cmd.Stderr = c.errs
	cmd.WaitDelay = endTime
	in, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start: %w", err)
	}
	c.in, c.inPipe, c.out = bufio.NewWriterSize(in, 64<<10), in, bufio.NewReaderSize(out, 64<<10)
	return c, nil
}

// ask sends a frame and reads the next one.
func (c *child) ask(kind byte, body []byte) (frame, error) {
	if err := c.tell(kind, body); err != nil {
		return frame{}, err
	}
	return readFrame(c.out)
}

func (c *child) tell(kind byte, body []byte) error {
	if err := writeFrame(c.in, kind, body); err != nil {
		return err
	}
	return c.in.Flush()
}

// kill ends the child at once; the pipe then breaks.
func (c *child) kill() { c.cancel() }

// vigil kills a child that stays silent while it has something to do, or whose
// caller has gone.
type vigil struct {
	most   time.Duration // of silence
	alarm  *time.Timer
	stop   func() bool
	silent atomic.Bool // it rang
}

// watchOver begins with an alarm that is set.
func (c *child) watchOver(ctx context.Context, most time.Duration) *vigil {
	w := &vigil{most: most}
	w.alarm = time.AfterFunc(most, func() {
		w.silent.Store(true)
		c.kill()
	})
	w.stop = context.AfterFunc(ctx, c.kill)
	return w
}

// heard sets the alarm again.
func (w *vigil) heard() { w.alarm.Reset(w.most) }

// rest takes the alarm back until the child has something to do.
func (w *vigil) rest() { w.alarm.Stop() }

// end tells whether the child was left alive.
func (w *vigil) end() bool {
	w.alarm.Stop()
	return w.stop() && !w.silent.Load()
}

// death reaps a child whose pipe broke, or that told nonsense, and says why it
// ended. It ends the vigil.
func (c *child) death(w *vigil) *deathError {
	silent := w.silent.Load()
	w.end()
	c.kill()
	c.over.Do(func() { _ = c.cmd.Wait() })
	return &deathError{silent: silent, cause: causeOf(c.errs.String())}
}

// end lets a child end by itself, and kills it when it does not.
func (c *child) end() {
	c.over.Do(func() {
		_ = c.inPipe.Close()
		alarm := time.AfterFunc(endTime, c.kill)
		_ = c.cmd.Wait()
		alarm.Stop()
		c.cancel()
	})
}

// causeOf reads from the last words of a process why it ended.
func causeOf(words string) texts {
	for _, c := range []struct {
		sign  string
		cause texts
	}{
		{"stack exceeds", texts{en: "its nesting is too deep", zh: "嵌套过深"}},
		{"stack overflow", texts{en: "its nesting is too deep", zh: "嵌套过深"}},
		{"out of memory", texts{en: "it takes too much memory", zh: "占用内存过多"}},
		{"cannot allocate", texts{en: "it takes too much memory", zh: "占用内存过多"}},
		{"failed to reserve", texts{en: "it takes too much memory", zh: "占用内存过多"}},
	} {
		if strings.Contains(words, c.sign) {
			return c.cause
		}
	}
	return texts{en: "it was killed or takes too much memory", zh: "进程被终止或占用内存过多"}
}

// tail keeps the beginning of what a child prints before it dies; the cause
// comes first. Exec writes it in a goroutine of its own and joins it in Wait.
type tail struct {
	mu sync.Mutex
	b  []byte
}

const tailSize = 4 << 10

// Write keeps what there is room for.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p[:min(len(p), tailSize-len(t.b))]...)
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.b)
}

// lingerTime is how long a child stays after its last batch.
const lingerTime = 5 * time.Second

// take gives a child that is ready: an idle one or a new one. The error is a
// *plan.RuleError when the rules do not compile any more, and a fault otherwise.
func (h *Host) take(ctx context.Context) (*child, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, fault.New(fault.Unavailable, "rules are shut down / 规则脚本已停用")
	}
	if n := len(h.idle); n > 0 {
		c := h.idle[n-1]
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		return c, nil
	}
	h.mu.Unlock()
	var last error
	for range 2 { // a machine under load may kill one at its start
		c, sums, err := h.start(ctx, &h.set)
		if err == nil {
			return h.checked(c, sums)
		}
		if last = err; ctx.Err() != nil {
			last = context.Cause(ctx)
			break
		}
	}
	if dead, ok := errors.AsType[*deathError](last); ok {
		return nil, &plan.RuleError{File: h.labels(), Say: textNoStart.with(dead.cause), Limit: true}
	}
	return nil, fault.Wrap(fault.Unavailable, last, "a rule process does not start / 规则进程无法启动")
}

// labels names the host's rules for people: a child compiles all of them.
func (h *Host) labels() string {
	var names []string
	for _, kind := range kinds {
		if r := h.rules[kind]; r != nil {
			names = append(names, r.file.label())
		}
	}
	return strings.Join(names, ", ")
}

// checked makes sure that a child compiled what compiled before.
func (h *Host) checked(c *child, sums []summary) (*child, error) {
	for _, s := range sums {
		if len(s.problems) > 0 {
			c.end()
			p := s.problems[0]
			return nil, &plan.RuleError{File: h.file(s.kind).label(), Line: p.line, Say: textNoCompile.about().quote(p.say)}
		}
	}
	return c, nil
}

// give puts a child back.
func (h *Host) give(c *child) {
	if c == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		h.closing.Go(c.end)
		return
	}
	h.idle = append(h.idle, c)
	if h.sweep == nil {
		h.sweep = time.AfterFunc(lingerTime, h.release)
		return
	}
	h.sweep.Reset(lingerTime)
}

// release ends the idle children.
func (h *Host) release() {
	h.mu.Lock()
	idle := h.idle
	h.idle = nil
	h.mu.Unlock()
	for _, c := range idle {
		c.end()
	}
}

// Close ends the idle children and waits for them; one that judges ends when its Judge
// does. A Judge that needs another child then gives an Unavailable fault. It may be
// called more than once.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	if h.sweep != nil {
		h.sweep.Stop()
	}
	h.mu.Unlock()
	h.release()
	h.closing.Wait()
}

// look answers a child's look-up.
func (l lookup) answer(look func(directory.Key) (directory.Object, bool)) []directory.Object {
	var found []directory.Object
	for _, kind := range kinds {
		if look == nil || l.kind != "" && l.kind != kind {
			continue
		}
		if o, ok := look(directory.Key{Kind: kind, ID: l.id}); ok {
			o.Key = directory.Key{Kind: kind, ID: l.id}
			found = append(found, o)
		}
	}
	return found
}
