package scripting

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Work is the whole life of a child process: it confines the process, compiles
// the rules that the parent sends and judges what the parent feeds it, until in
// ends. It takes the process over (limits of the operating system, the local
// zone), so a process that does anything else must not call it.
//
// It returns nil when in ends or ctx does, an Internal fault when what comes over
// the pipe makes no sense, and an Unavailable one when the pipe breaks.
func Work(ctx context.Context, in io.Reader, out io.Writer) error {
	return newWorker(in, out, true).serve(ctx)
}

// ticksPerObject is how often the watch looks within the time that an object may
// take.
const ticksPerObject = 8

// waitShare is how much slower a rule's time passes while the parent answers.
const waitShare = 4

// foundMost bounds the objects that a child remembers of its look-ups.
const foundMost = 4096

// worker is one child.
type worker struct {
	in      *bufio.Reader
	confine bool // take the process over

	set      *setup
	zone     *time.Location
	programs map[directory.Kind]*goja.Program
	engine   *engine
	frames   chan frame // from the parent; closed at the end

	generation uint64
	found      map[lookup][]directory.Object

	mu      sync.Mutex // guards all below, with the watch
	out     *bufio.Writer
	broken  error         // of out
	object  int           // counts the objects; the watch sees by it whether one takes long
	running *goja.Runtime // judging; nil between objects
	waiting bool          // the parent is being asked
	fired   bool          // the watch interrupted this object
	orphan  bool          // the parent is gone
}

func newWorker(in io.Reader, out io.Writer, confine bool) *worker {
	return &worker{
		in:      bufio.NewReaderSize(in, 64<<10),
		out:     bufio.NewWriterSize(out, 64<<10),
		confine: confine,
		frames:  make(chan frame),
	}
}

func (w *worker) serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Reading goes on while a rule runs, so that the parent's end is noticed. The
	// goroutine outlives serve when ctx ends first: nothing wakes a blocked read.
	go w.receive(ctx)
	first, ok := w.next(ctx)
	if !ok {
		return nil
	}
	if err := w.prepare(first); err != nil {
		return serveError(err)
	}
	for {
		f, ok := w.next(ctx)
		if !ok {
			return nil
		}
		if f.kind != frameBatch {
			return serveError(errFrame)
		}
		b, err := decodeBatch(f.body)
		if err == nil {
			err = w.judge(ctx, b)
		}
		if err != nil {
			return serveError(err)
		}
	}
}

// receive feeds the frames until in ends.
func (w *worker) receive(ctx context.Context) {
	defer close(w.frames)
	for {
		f, err := readFrame(w.in)
		if err != nil {
			w.mu.Lock()
			w.orphan = true
			w.mu.Unlock()
			return
		}
		select {
		case w.frames <- f:
		case <-ctx.Done():
			return
		}
	}
}

func (w *worker) next(ctx context.Context) (frame, bool) {
	select {
	case f, ok := <-w.frames:
		return f, ok
	case <-ctx.Done():
		return frame{}, false
	}
}

// prepare takes the setup: it confines the process and compiles the rules.
func (w *worker) prepare(f frame) error {
	if f.kind != frameSetup {
		return errFrame
	}
	s, err := decodeSetup(f.body)
	if err != nil {
		return err
	}
	w.set = s
	if w.zone, err = location(s.zone, s.turns); err != nil {
		return fmt.Errorf("read zone: %w", err)
	}
	if w.confine {
		// Date has no zone but the process's, and a regular expression has no
		// limit but this: it must outlast the interrupt, because the engine takes
		// a match that timed out for no match.
		time.Local = w.zone
		regexp2.DefaultMatchTimeout = 3 * s.objectTime
		if err := confineProcess(s.memory); err != nil {
			return fmt.Errorf("confine: %w", err)
		}
	}
	w.programs = map[directory.Kind]*goja.Program{}
	sums := make([]summary, 0, len(s.rules))
	for _, r := range s.rules {
		program, sum := compileFor(r.kind, r.source, s.declared)
		if program != nil {
			w.programs[r.kind] = program
		}
		if s.cover && program != nil {
			if w.programs[r.kind], sum.lines, err = compileCovered(r.source); err != nil {
				return fmt.Errorf("cover rule: %w", err)
			}
		}
		sums = append(sums, sum)
	}
	if err := w.renew(); err != nil {
		return err
	}
	return w.send(frameReady, encodeReady(sums), true)
}

// renew makes a fresh engine.
func (w *worker) renew() error {
	e, err := newEngine(w.set, w.zone, w.programs, w.lookUp)
	if err != nil {
		return err
	}
	w.engine = e
	return nil
}

// judge judges one batch. The watch beside it interrupts objects that take too
// long and sends finished verdicts on, by which the parent sees that all is well.
func (w *worker) judge(ctx context.Context, b *batch) error {
	if b.generation != w.generation || w.found == nil {
		w.generation, w.found = b.generation, map[lookup][]directory.Object{}
	}
	if w.programs[b.kind] == nil {
		return fmt.Errorf("no rule for %s: %w", b.kind, errFrame)
	}
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { w.watch(done) })
	defer watching.Wait()
	defer close(done)
	w.engine.begin(b.now)
	for i := range b.subjects {
		if ctx.Err() != nil {
			return nil
		}
		j, err := w.judgeOne(b, &b.subjects[i])
		if err != nil {
			return err
		}
		if err := w.send(frameVerdict, j.encode(), false); err != nil {
			return err
		}
	}
	return w.send(frameEnd, nil, true)
}

func (w *worker) judgeOne(b *batch, s *plan.Subject) (*judgement, error) {
	w.mu.Lock()
	w.object++
	w.running, w.fired = w.engine.vm, false
	w.mu.Unlock()

	j, usable := w.engine.judge(b.kind, s)

	w.mu.Lock()
	w.running = nil
	fired := w.fired
	w.mu.Unlock()
	if fired {
		line := 0
		if j.Failed != nil {
			line = j.Failed.Line
		}
		j.Verdict = plan.Verdict{Failed: &plan.RuleError{Line: line, Say: textOverstayed.sayf(w.set.objectTime)}}
	}
	j.overstayed = fired
	if !b.logs {
		j.logs = nil
	}
	if !usable || fired {
		if err := w.renew(); err != nil {
			return nil, err
		}
		w.engine.begin(b.now)
	}
	return j, nil
}

// watch looks at the judging until done is closed.
func (w *worker) watch(done <-chan struct{}) {
	tick := time.NewTicker(max(w.set.objectTime/ticksPerObject, time.Millisecond))
	defer tick.Stop()
	last, ticks, alone := 0, 0, 0
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		w.mu.Lock()
		switch {
		case w.object != last || w.running == nil:
			last, ticks = w.object, 0
		case w.waiting: // the parent's time counts a little, lest a rule waits for ever
			ticks++
		default:
			ticks += waitShare
		}
		if ticks > waitShare*ticksPerObject && !w.fired {
			w.fired = true
			w.running.Interrupt(errStopped)
		}
		w.flush()
		if w.orphan {
			alone++
		}
		w.mu.Unlock()
		if w.confine && alone > 2*ticksPerObject {
			endProcess() // nobody is left to kill us
		}
	}
}

// lookUp asks the parent for objects, once in a generation.
func (w *worker) lookUp(l lookup) ([]directory.Object, error) {
	if found, ok := w.found[l]; ok {
		return found, nil
	}
	w.wait(true)
	defer w.wait(false)
	if err := w.send(frameLookup, l.encode(), true); err != nil {
		return nil, err
	}
	f, ok := <-w.frames
	if !ok || f.kind != frameAnswer {
		return nil, errors.New("the host does not answer")
	}
	found, err := decodeAnswer(f.body)
	if err != nil {
		return nil, err
	}
	if len(w.found) >= foundMost {
		clear(w.found)
	}
	w.found[l] = found
	return found, nil
}

func (w *worker) wait(waiting bool) {
	w.mu.Lock()
	w.waiting = waiting
	w.mu.Unlock()
}

// send writes a frame; now sends all that waits.
func (w *worker) send(kind byte, body []byte, now bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.broken = writeFrame(w.out, kind, body)
	}
	if now {
		w.flush()
	}
	return w.broken
}

// flush is called with the lock held.
func (w *worker) flush() {
	if w.broken == nil {
		w.broken = w.out.Flush()
	}
}

// serveError gives the fault for what ended a worker.
func serveError(err error) error {
	if errors.Is(err, errFrame) {
		return fault.Wrap(fault.Internal, err, "a rule process was told nonsense / 规则进程收到无法识别的数据")
	}
	return fault.Wrap(fault.Unavailable, err, "a rule process ends / 规则进程退出")
}
