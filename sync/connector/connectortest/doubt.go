package connectortest

import (
	"context"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// doubtCases are writes whose answer is lost. Each runs for every operation on
// users, since vendors use other verbs for some, which HTTP clients repeat on
// their own.
func doubtCases() []testCase {
	var cases []testCase
	for _, op := range []plan.Op{plan.Create, plan.Update, plan.Disable, plan.Delete} {
		cases = append(cases,
			testCase{string(op) + " cut after its effect", toWrite("SeedUser", "CutAfterEffect"), func(t *testing.T, h *Harness) {
				w := h.some(t, op)
				h.CutAfterEffect()
				h.lost(t, w, 1, fault.InDoubt)
			}},
			testCase{string(op) + " cut before its effect", toWrite("SeedUser", "CutBeforeEffect"), func(t *testing.T, h *Harness) {
				w := h.some(t, op)
				h.CutBeforeEffect()
				h.lost(t, w, 0, fault.InDoubt, fault.Unavailable)
			}},
			testCase{string(op) + " told to slow down", toWrite("SeedUser", "LimitWrite"), func(t *testing.T, h *Harness) {
				w := h.some(t, op)
				h.LimitWrite()
				h.lost(t, w, 0, fault.Limited, fault.Unavailable)
			}},
			testCase{string(op) + " given up", toWrite("SeedUser", "HangWrite"), func(t *testing.T, h *Harness) {
				givenUp(t, h, h.some(t, op))
			}},
		)
	}
	return cases
}

// some gives a write of an operation that will work. The connector has made a
// call before, so that a connection stands ready: clients treat a connection
// that was used before in another way.
func (h *Harness) some(t *testing.T, op plan.Op) connector.Write {
	t.Helper()
	h.can(t, directory.User, op)
	id := h.SeedUser(person(1))
	h.readComplete(t)
	warm := userKey(h.SeedUser(person(2)))
	if h.Connector.Describe().Can(directory.User, plan.Update) {
		h.apply(t, write(plan.Update, warm, directory.Attributes{h.attrName(): directory.TextOf("王五")}))
	}
	switch op {
	case plan.Create:
		return h.create(person(8))
	case plan.Update:
		return write(op, userKey(id), directory.Attributes{h.attrName(): directory.TextOf("李四")})
	default:
		return write(op, userKey(id), nil)
	}
}

// lost makes a write that goes wrong, and counts what happened. The fault is
// armed once: a connector that tried again would succeed, or do it twice.
func (h *Harness) lost(t *testing.T, w connector.Write, effects int, kinds ...fault.Kind) {
	t.Helper()
	before := h.Effects()
	_, err := h.target(t).Apply(within(t), w)
	h.checkFault(t, err, kinds...)
	if n := h.Effects() - before; n != effects {
		t.Fatalf("%s had %d effects, want %d", w.Op, n, effects)
	}
}

// givenUp ends the context after the effect and before the answer.
func givenUp(t *testing.T, h *Harness, w connector.Write) {
	before := h.Effects()
	arrived := h.HangWrite()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	target := h.target(t)
	done := make(chan error, 1)
	go func() {
		_, err := target.Apply(ctx, w)
		done <- err
	}()
	await(t, arrived, done)
	cancel()
	select {
	case err := <-done:
		h.checkFault(t, err, fault.InDoubt)
	case <-time.After(patience):
		t.Fatal("the write goes on after its context ended")
	}
	if n := h.Effects() - before; n != 1 {
		t.Errorf("%d effects, want 1", n)
	}
}
