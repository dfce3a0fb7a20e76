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

// foundMost bounds the objects that a child remembers of its look-ups.
const foundMost = 4096

// ahead is how many batches the parent may send before the verdicts of the first:
// the child has the next one when it is done with one.
const ahead = 2

// regexpShare is how many times as long as an object a match may take.
const regexpShare = 3

// fullBytes is how many bytes of verdicts are sent in one frame.
const fullBytes = 64 << 10

// worker is one child.
type worker struct {
	in      *bufio.Reader
	confine bool // take the process over

	set      *setup
	zone     *time.Location
	programs map[directory.Kind]*goja.Program
	engine   *engine
	frames   chan frame // setup and batches from the parent; closed at the end
	answers  chan frame // to look-ups; closed at the end

	generation uint64
	found      map[lookup][]directory.Object

	clock clock

	mu      sync.Mutex // guards all below, with the watch
	out     *bufio.Writer
	waiting []byte // verdicts that are not sent yet
	broken  error  // of out
}

func newWorker(in io.Reader, out io.Writer, confine bool) *worker {
	return &worker{
		in:      bufio.NewReaderSize(in, 64<<10),
		out:     bufio.NewWriterSize(out, 64<<10),
		confine: confine,
		frames:  make(chan frame, ahead),
		answers: make(chan frame, 1),
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
	var watching sync.WaitGroup
	watching.Go(func() { w.watch(ctx) })
	defer watching.Wait()
	defer stop()
	for {
		f, ok := w.next(ctx)
		if !ok {
			return nil
		}
		if f.kind != frameBatch {
			return serveError(errFrame)
		}
		b, subjects, err := decodeBatch(f.body)
		if err == nil {
			err = w.judge(ctx, b, subjects)
		}
		if err != nil {
			return serveError(err)
		}
	}
}

// receive feeds the frames until in ends. An answer may come behind the next batch
// and must not wait for it.
func (w *worker) receive(ctx context.Context) {
	defer close(w.answers)
	defer close(w.frames)
	for {
		f, err := readFrame(w.in)
		if err != nil {
			w.clock.orphan.Store(true)
			return
		}
		to := w.frames
		if f.kind == frameAnswer {
			to = w.answers
		}
		select {
		case to <- f:
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
	w.clock.most = regexpShare*s.objectTime - s.objectTime/4 // the matcher's clock is coarse
	if w.zone, err = location(s.zone, s.turns); err != nil {
		return fmt.Errorf("read zone: %w", err)
	}
	if w.confine {
		// Date has no zone but the process's, and a regular expression has no
		// limit but this: it must outlast the interrupt, because the engine takes
		// a match that timed out for no match. When the whole process stood still,
		// the interrupt may not have come: the clock tells then.
		time.Local = w.zone
		regexp2.DefaultMatchTimeout = regexpShare * s.objectTime
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
	return w.send(frameReady, encodeReady(sums))
}

// renew makes a fresh engine.
func (w *worker) renew() error {
	e, err := newEngine(w.set, w.zone, w.programs, w.lookUp)
	if err != nil {
		return err
	}
	w.engine = e
	w.clock.vm.Store(e.vm)
	return nil
}

// judge judges one batch. The watch beside it interrupts objects that take too
// long and sends finished verdicts on, by which the parent sees that all is well.
func (w *worker) judge(ctx context.Context, b *batch, subjects []subject) error {
	if b.generation != w.generation || w.found == nil {
		w.generation, w.found = b.generation, map[lookup][]directory.Object{}
	}
	if w.programs[b.kind] == nil {
		return fmt.Errorf("no rule for %s: %w", b.kind, errFrame)
	}
	w.engine.begin(b.now)
	for i := range subjects {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end was asked for
		}
		j, err := w.judgeOne(b, &subjects[i])
		if err != nil {
			return err
		}
		if err := w.keep(j); err != nil {
			return err
		}
	}
	return w.send(frameEnd, nil)
}

func (w *worker) judgeOne(b *batch, s *subject) (*judgement, error) {
	w.clock.begin()
	j, usable := w.engine.decide(b.kind, s)
	overstayed := w.clock.end()
	if overstayed {
		line := 0
		if j.Failed != nil {
			line = j.Failed.Line
		}
		j.Verdict = plan.Verdict{Failed: &plan.RuleError{Line: line, Say: textOverstayed.sayf(w.set.objectTime), Limit: true}}
	}
	j.overstayed = overstayed
	if !b.logs {
		j.logs = nil
	}
	if !usable || overstayed {
		if err := w.renew(); err != nil {
			return nil, err
		}
		w.engine.begin(b.now)
	}
	return j, nil
}

// lookUp asks the parent for objects, once in a generation.
func (w *worker) lookUp(l lookup) ([]directory.Object, error) {
	if found, ok := w.found[l]; ok {
		return found, nil
	}
	w.clock.asking.Store(true)
	asked := time.Now() //nolint:forbidigo // measured, not injected: see clock
	defer func() {
		w.clock.waited += time.Since(asked)
		w.clock.asking.Store(false)
	}()
	if err := w.send(frameLookup, l.encode()); err != nil {
		return nil, err
	}
	f, ok := <-w.answers
	if !ok {
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

// keep puts a verdict to those that wait to be sent.
func (w *worker) keep(j *judgement) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.waiting = appendSized(w.waiting, j.encode)
	if len(w.waiting) >= fullBytes {
		w.flush()
	}
	return w.broken
}

// send writes a frame behind the verdicts that wait, and sends all.
func (w *worker) send(kind byte, body []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushVerdicts()
	if w.broken == nil {
		w.broken = writeFrame(w.out, kind, body)
	}
	w.flush()
	return w.broken
}

// flush and flushVerdicts are called with the lock held.
func (w *worker) flush() {
	w.flushVerdicts()
	if w.broken == nil {
		w.broken = w.out.Flush()
	}
}

func (w *worker) flushVerdicts() {
	if w.broken == nil && len(w.waiting) > 0 {
		w.broken = writeFrame(w.out, frameVerdict, w.waiting)
	}
	if cap(w.waiting) > 2*fullBytes { // one long verdict must not cost memory for ever
		w.waiting = nil
	}
	w.waiting = w.waiting[:0]
}

// serveError gives the fault for what ended a worker.
func serveError(err error) error {
	if errors.Is(err, errFrame) {
		return fault.Wrap(fault.Internal, err, "a rule process was told nonsense / 规则进程收到无法识别的数据")
	}
	return fault.Wrap(fault.Unavailable, err, "a rule process ends / 规则进程退出")
}
