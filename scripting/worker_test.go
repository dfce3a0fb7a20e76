package scripting

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// pipeChild is a worker without a process of its own, and our ends of its pipes.
type pipeChild struct {
	t    *testing.T
	in   *bufio.Writer
	out  *bufio.Reader
	hang func()
	done chan error
}

func newPipeChild(ctx context.Context, t *testing.T) *pipeChild {
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	c := &pipeChild{
		t: t, in: bufio.NewWriter(inWrite), out: bufio.NewReader(outRead), done: make(chan error, 1),
		hang: func() { _ = inWrite.Close() },
	}
	go func() {
		c.done <- newWorker(inRead, outWrite, false).serve(ctx)
		_ = outWrite.Close()
	}()
	t.Cleanup(func() { _ = inWrite.Close(); _ = outRead.Close() })
	return c
}

func (c *pipeChild) send(kind byte, body []byte) {
	c.t.Helper()
	if err := writeFrame(c.in, kind, body); err != nil {
		c.t.Fatal(err)
	}
	if err := c.in.Flush(); err != nil {
		c.t.Fatal(err)
	}
}

func (c *pipeChild) want(kind byte) []byte {
	c.t.Helper()
	f, err := readFrame(c.out)
	if err != nil || f.kind != kind {
		c.t.Fatalf("frame %q, %v; want %q", f.kind, err, kind)
	}
	return f.body
}

func workerSetup(source string) []byte {
	return (&setup{
		zone: "UTC", turns: turnsOf(time.UTC), objectTime: time.Second, batchTime: time.Second, callDepth: 100,
		rules: []ruleText{{directory.User, source}},
	}).encode()
}

func TestWorkerTalk(t *testing.T) {
	t.Parallel()
	c := newPipeChild(t.Context(), t)
	c.send(frameSetup, workerSetup("context.reason = repo.getObjectByID('x', 'user').name; return context"))
	if sums, err := decodeReady(c.want(frameReady)); err != nil || len(sums) != 1 || len(sums[0].problems) > 0 {
		t.Fatalf("ready: %+v %v", sums, err)
	}
	b := batch{generation: 1, now: noon(), kind: directory.User}
	body, _ := b.encode(nil, []plan.Subject{person("a", nil), person("b", nil)})
	c.send(frameBatch, body)
	if l, err := decodeLookup(c.want(frameLookup)); err != nil || l != (lookup{kind: directory.User, id: "x"}) {
		t.Fatalf("look-up: %+v %v", l, err)
	}
	c.send(frameAnswer, encodeAnswer([]directory.Object{person("x", directory.Attributes{"name": directory.TextOf("名")}).Object}))
	p := scanner{rest: c.want(frameVerdict)}
	for range 2 { // the second knows the answer
		if j, err := decodeJudgement(p.bytes()); err != nil || j.Reason != "名" || !j.Returned {
			t.Errorf("verdict: %+v %v", j, err)
		}
	}
	if err := p.done(); err != nil {
		t.Errorf("verdicts: %v", err)
	}
	c.want(frameEnd)
	c.hang()
	if err := <-c.done; err != nil {
		t.Errorf("at the end: %v", err)
	}
}

func TestWorkerRefusesNonsense(t *testing.T) {
	t.Parallel()
	b := batch{kind: directory.Department, now: noon()}
	wrongKind, _ := b.encode(nil, []plan.Subject{person("a", nil)})
	for name, tt := range map[string]struct {
		setup bool
		kind  byte
		body  []byte
	}{
		"batch before setup":  {false, frameBatch, nil},
		"damaged setup":       {false, frameSetup, []byte("x")},
		"second setup":        {true, frameSetup, workerSetup("")},
		"damaged batch":       {true, frameBatch, []byte("\xff")},
		"kind without a rule": {true, frameBatch, wrongKind},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newPipeChild(t.Context(), t)
			if tt.setup {
				c.send(frameSetup, workerSetup("return context"))
				c.want(frameReady)
			}
			c.send(tt.kind, tt.body)
			if err := <-c.done; fault.KindOf(err) != fault.Internal {
				t.Errorf("got %v", err)
			}
			c.hang()
		})
	}
}

func TestWorkerEndsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := newPipeChild(ctx, t)
	cancel()
	if err := <-c.done; err != nil {
		t.Errorf("got %v", err)
	}
	c.hang()
}

func TestWorkerWithoutAnswer(t *testing.T) {
	t.Parallel()
	c := newPipeChild(t.Context(), t)
	c.send(frameSetup, workerSetup("try { repo.getObjectByID('x') } catch (e) {} return context"))
	c.want(frameReady)
	b := batch{now: noon(), kind: directory.User}
	body, _ := b.encode(nil, []plan.Subject{person("a", nil)})
	c.send(frameBatch, body)
	c.want(frameLookup)
	c.hang() // the parent goes away instead
	p := scanner{rest: c.want(frameVerdict)}
	j, err := decodeJudgement(p.bytes())
	if err != nil || j.Failed == nil || !strings.Contains(j.Failed.Say, "does not answer") || j.Returned {
		t.Errorf("got %+v %v", j, err)
	}
	c.want(frameEnd)
	if err := <-c.done; err != nil {
		t.Errorf("at the end: %v", err)
	}
}
