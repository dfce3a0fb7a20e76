package scripting

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// unreliableChild is a child that keeps the language of the pipe and little else: it
// dies, falls silent, asks, and sends verdicts in heaps of any size, all by chance. Its
// verdicts repeat what it saw of the object. The argument before the last is its seed.
func unreliableChild() error {
	seed, err := strconv.ParseUint(os.Args[len(os.Args)-2], 10, 64)
	if err != nil {
		return err
	}
	c := unreliable{
		chance: rand.New(rand.NewPCG(seed, 1)),
		in:     bufio.NewReader(os.Stdin), out: bufio.NewWriter(os.Stdout),
	}
	return c.run()
}

type unreliable struct {
	chance *rand.Rand
	in     *bufio.Reader
	out    *bufio.Writer
	ahead  []frame // batches that came before an answer
	heap   []byte
}

func (c *unreliable) send(kind byte, body []byte) error {
	if err := writeFrame(c.out, kind, body); err != nil {
		return err
	}
	return c.out.Flush()
}

// next gives the next frame of a kind; batches that come before it wait.
func (c *unreliable) next(kind byte) (frame, error) {
	if kind == frameBatch && len(c.ahead) > 0 {
		f := c.ahead[0]
		c.ahead = c.ahead[1:]
		return f, nil
	}
	for {
		f, err := readFrame(c.in)
		if err != nil || f.kind == kind {
			return f, err
		}
		c.ahead = append(c.ahead, f)
	}
}

func (c *unreliable) run() error {
	if _, err := c.next(frameSetup); err != nil {
		return err
	}
	if err := c.send(frameReady, encodeReady([]summary{{kind: directory.User}})); err != nil {
		return err
	}
	for {
		f, err := c.next(frameBatch)
		if err != nil {
			return nil //nolint:nilerr // the parent is done
		}
		_, subjects, err := decodeBatch(f.body)
		if err != nil {
			return err
		}
		for i := range subjects {
			if err := c.judge(&subjects[i]); err != nil {
				return err
			}
		}
		c.accident()
		if err := c.flush(); err != nil {
			return err
		}
		c.accident()
		if err := c.send(frameEnd, nil); err != nil {
			return err
		}
		c.accident()
	}
}

// accident ends or stops the process, rarely.
func (c *unreliable) accident() {
	switch c.chance.IntN(3000) {
	case 0, 1:
		os.Exit(1)
	case 2:
		select {}
	}
}

func (c *unreliable) flush() error {
	if len(c.heap) == 0 {
		return nil
	}
	body := c.heap
	c.heap = nil
	return c.send(frameVerdict, body)
}

func (c *unreliable) judge(s *subject) error {
	c.accident()
	j := judgement{Verdict: plan.Verdict{Reason: seen(s.id, s.data, s.target), Returned: true}}
	if c.chance.IntN(20) == 0 {
		if err := c.ask(s.id); err != nil {
			return err
		}
	}
	if c.chance.IntN(2) == 0 {
		j.Data = directory.Attributes{"id": directory.TextOf(string(s.id))}
	}
	if c.chance.IntN(2000) == 0 {
		j = judgement{overstayed: true, Verdict: plan.Verdict{Failed: &plan.RuleError{Say: seen(s.id, s.data, s.target)}}}
	}
	c.heap = appendSized(c.heap, j.encode)
	if c.chance.IntN(30) == 0 {
		return c.flush()
	}
	return nil
}

// ask looks an object up, with or without the verdicts before it.
func (c *unreliable) ask(id directory.ID) error {
	if c.chance.IntN(2) == 0 {
		if err := c.flush(); err != nil {
			return err
		}
	}
	l := lookup{kind: directory.User, id: id}
	if err := c.send(frameLookup, l.encode()); err != nil {
		return err
	}
	c.accident()
	f, err := c.next(frameAnswer)
	if err != nil {
		return err
	}
	found, err := decodeAnswer(f.body)
	if err != nil || len(found) != 1 || found[0].ID != id {
		return fmt.Errorf("asked for %s, got %v: %w", id, found, err)
	}
	return nil
}

// seen tells what there is of an object: the short values of its attributes.
func seen(id directory.ID, data, target fields) string {
	var b strings.Builder
	b.WriteString(string(id))
	for _, f := range []fields{data, target} {
		b.WriteString("|")
		if f == nil {
			b.WriteString("none")
			continue
		}
		for _, name := range f.names() {
			v := f.value(name)
			fmt.Fprintf(&b, " %s:%d:%.20s", name, v.Type(), v.String())
		}
	}
	return b.String()
}

// anybody is a person of any form; some are large, a few too large.
func anybody(chance *rand.Rand, id string) plan.Subject {
	a := directory.Attributes{}
	values := []directory.Value{
		directory.TextOf("t" + id), directory.Empty(directory.Text), directory.Hidden("p" + id), directory.IntOf(int64(len(id))),
		directory.ListOf("l"+id, "m"), directory.Empty(directory.List), directory.Empty(directory.Date),
		{},
	}
	for i, v := range values {
		if chance.IntN(3) > 0 {
			a[fmt.Sprint("n", (i+chance.IntN(3))%9)] = v
		}
	}
	switch chance.IntN(2000) {
	case 0:
		a["huge"] = directory.TextOf(strings.Repeat("x", maxFrame/2))
	case 1, 2, 3, 4:
		a["large"] = directory.TextOf(strings.Repeat("x", batchBytes/2))
	}
	s := person(id, a)
	if chance.IntN(2) == 0 {
		s.Target = directory.Attributes{"tid": directory.TextOf(id)}
		if chance.IntN(4) == 0 {
			s.Target = directory.Attributes{}
		}
	}
	return s
}

// TestVerdictsKeepTheirObjects feeds unreliable children: every object gets its own
// verdict or a failure, never another's, and the host comes to an end.
func TestVerdictsKeepTheirObjects(t *testing.T) {
	t.Parallel()
	const rounds = 12
	judged, failed, stopped := 0, 0, 0
	for round := range rounds {
		seed := uint64(round)
		chance := rand.New(rand.NewPCG(seed, 2))
		o := options("return context")
		o.Workers = 1 + round%3
		o.BatchTime = 300 * time.Millisecond
		starts := seed << 20
		h := open(t, o)
		h.o.Command = func(ctx context.Context) *exec.Cmd {
			starts++
			return childOf(ctx, strconv.FormatUint(starts, 10), "unreliable-child")
		}
		if o.Workers > 1 { // Command is called by several goroutines then
			h.o.Command = func(ctx context.Context) *exec.Cmd {
				return childOf(ctx, strconv.FormatUint(rand.Uint64(), 10), "unreliable-child")
			}
		}
		subjects := make([]plan.Subject, 1+chance.IntN(1500))
		for i := range subjects {
			subjects[i] = anybody(chance, fmt.Sprint(round, "-", i))
		}
		look := func(key directory.Key) (directory.Object, bool) { return directory.Object{Key: key}, true }
		got, err := h.Judge(t.Context(), subjects, look)
		if err != nil {
			if stopped++; fault.KindOf(err) != fault.Invalid {
				t.Fatalf("round %d: %v", round, err)
			}
			continue
		}
		for i, v := range got {
			s := &subjects[i]
			var target fields
			if s.Target != nil {
				target = attrs(s.Target)
			}
			want := seen(s.Object.ID, attrs(s.Object.Attributes), target)
			judged++
			switch own := v.Data["id"].Text(); {
			case v.Failed != nil:
				failed++
				if strings.Contains(v.Failed.Say, "|") && v.Failed.Say != want || v.Returned || v.Data != nil {
					t.Errorf("round %d: %d failed with %q, want %q", round, i, v.Failed.Say, want)
				}
			case v.Reason != want || !v.Returned:
				t.Errorf("round %d: %d got %q, want %q", round, i, v.Reason, want)
			case v.Data != nil && (own != string(s.Object.ID) || len(v.Data) != len(s.Object.Attributes)+1):
				t.Errorf("round %d: %d got the data of %q", round, i, own)
			}
		}
		h.Close()
	}
	t.Logf("%d judged, %d failed, %d runs stopped", judged, failed, stopped)
	if judged == 0 {
		t.Error("nothing was judged")
	}
}
