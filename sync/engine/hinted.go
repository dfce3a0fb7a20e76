package engine

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// saidByEvent is why the source of a run by event proves no absence.
const saidByEvent = "only what an event named was read afresh / 只重新读取了变更事件提到的对象"

// prepareHinted plans the objects that an event named: they are asked for by id and
// put into the last complete listing. Whoever is not there, or cannot be told, is
// for a full run.
func (w *worker) prepareHinted(ctx context.Context, r run.Run) (run.Run, error) {
	var h *hinted
	err := w.inReadTime(ctx, func(ctx context.Context) (err error) {
		h, err = w.askHinted(ctx, r)
		return err
	}, func() (en, zh string) { return "what an event named", "变更事件提到的对象" })
	if err != nil {
		return r, err
	}
	if h.gone {
		whole := run.Hint{Flow: r.Flow, What: run.HintWhole, At: w.o.Now()}
		if err := w.o.Store.AddHints(ctx, []run.Hint{whole}, hintedMax); err != nil {
			return r, fmt.Errorf("note that somebody is gone: %w", err)
		}
		w.hinted[r.Flow].tell()
	}
	if r, err = w.move(ctx, r.Code, run.Planning, ""); err != nil {
		return r, err
	}
	if len(h.keys) == 0 {
		return w.move(ctx, r.Code, run.NothingToDo, "")
	}
	recent, err := w.o.Store.Recent(ctx, w.flow.Plan.Name, w.o.Now().Add(-recentSpan))
	if err != nil {
		return r, fmt.Errorf("count recent changes: %w", err)
	}
	judging, end := w.judging(ctx, r.Code)
	p, err := w.planHinted(judging, h, recent)
	if err = end(err); err != nil {
		return r, err
	}
	return w.pass(ctx, r, p)
}

// planHinted makes the plan of the objects that an event named.
func (w *worker) planHinted(ctx context.Context, h *hinted, recent int) (*plan.Plan, error) {
	was, end, err := w.former(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	info := w.flow.Target.Describe()
	p, err := plan.Make(ctx, plan.Input{
		Flow: w.flow.Plan, Config: w.flow.Config, Source: h.source, Target: h.target,
		SourceTenant: w.flow.Source.Describe().Tenant, TargetTenant: info.Tenant,
		Links: h.links, Abilities: abilities(info), Rules: w.rules(w.flow), Former: was,
		Recent: recent, Staff: w.staff, Only: plan.Narrow{Objects: h.keys}, Now: w.o.Now().In(w.flow.Zone),
	})
	if err != nil {
		return nil, fmt.Errorf("plan: %w", err)
	}
	return p, nil
}

// hintAgain lets those who were named by an event be tried again whose systems could
// not be asked, unless somebody has to mend something first. That their run failed
// keeps the flow at rest for a while.
func (w *worker) hintAgain(ctx context.Context, r run.Run, cause error) {
	if !fault.Retryable(cause) {
		return
	}
	var again []run.Hint
	for _, key := range r.Objects.All() {
		again = append(again, run.Hint{Flow: r.Flow, Key: key, At: w.o.Now()})
	}
	if err := w.o.Store.AddHints(ctx, again, hintedMax); err != nil {
		w.o.Logger.WarnContext(ctx, "changes are left to the next full run", "run", r.Code, "flow", r.Flow, "err", err)
	}
}

// hinted is what is known of the objects that an event named.
type hinted struct {
	source, target *directory.Snapshot
	links          []mapping.Link
	keys           map[directory.Key]bool // those that are there
	gone           bool                   // one of them is not
}

func (w *worker) askHinted(ctx context.Context, r run.Run) (*hinted, error) {
	name := w.flow.Plan.Name
	h := &hinted{keys: map[directory.Key]bool{}}
	var err error
	if h.links, err = w.o.Store.Links(ctx, name); err != nil {
		return nil, fmt.Errorf("load links: %w", err)
	}
	last, listed, err := w.o.Store.LastSnapshot(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("load last snapshot: %w", err)
	}
	if !listed { // the first run of a flow is a full one
		h.gone = true
		return h, nil
	}
	echoes, err := w.echoes(ctx)
	if err != nil {
		return nil, err
	}
	fresh := map[directory.Key]directory.Object{}
	for _, kind := range []directory.Kind{directory.Department, directory.User} {
		if err := w.lookHinted(ctx, h, kind, ofKind(r.Objects.All(), kind), fresh); err != nil {
			return nil, err
		}
	}
	for key, o := range fresh {
		if echoes.has(o) {
			delete(h.keys, key)
		}
	}
	if len(h.keys) == 0 {
		return h, nil
	}
	w.lookAround(ctx, h, last, fresh)
	b := directory.NewBuilder(last.System, w.o.Now())
	skip := map[directory.Key]bool{}
	for key, o := range fresh {
		skip[key] = true
		b.Add(o)
	}
	b.AddAll(last, skip)
	b.Incomplete(saidByEvent)
	h.source, _ = b.Finish()
	return h, w.lookTarget(ctx, r, h)
}

func ofKind(keys []directory.Key, kind directory.Kind) []directory.ID {
	var ids []directory.ID
	for _, k := range keys {
		if k.Kind == kind {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// lookHinted asks the source for the named objects.
func (w *worker) lookHinted(ctx context.Context, h *hinted, kind directory.Kind, ids []directory.ID, fresh map[directory.Key]directory.Object) error {
	for chunk := range slices.Chunk(ids, askChunk) {
		seen, err := w.flow.Source.Lookup(ctx, kind, chunk)
		if err != nil {
			return fmt.Errorf("ask source for the changed: %w", err)
		}
		if len(seen) != len(chunk) {
			continue // as if it could not be told
		}
		for i, s := range seen {
			key := directory.Key{Kind: kind, ID: chunk[i]}
			switch {
			case s.Presence == connector.Present && s.Object.Key == key:
				fresh[key], h.keys[key] = s.Object, true
			case s.Presence == connector.Gone:
				h.gone = true
			}
		}
	}
	return nil
}

// lookAround asks for departments that the named ones are in and the last listing
// lacks, and takes them for changed as well: somebody new may sit in a new one.
func (w *worker) lookAround(ctx context.Context, h *hinted, last *directory.Snapshot, fresh map[directory.Key]directory.Object) {
	var ids []directory.ID
	for _, o := range fresh {
		for _, name := range []string{directory.AttrDepartments, directory.AttrParent} {
			for _, ref := range o.Attributes[name].Refs() {
				ids = append(ids, ref.ID)
			}
		}
	}
	slices.Sort(ids)
	lacks := func(key directory.Key) bool { _, asked := fresh[key]; return !asked && !last.Has(key) }
	source := end{Source: w.flow.Source, name: last.System}
	found, _, unsure := source.climb(ctx, slices.Compact(ids), lacks)
	if unsure != "" {
		w.o.Logger.InfoContext(ctx, "departments of the changed cannot be told", "flow", w.flow.Plan.Name)
	}
	for _, o := range found {
		fresh[o.Key], h.keys[o.Key] = o, true
	}
}

// lookTarget reads of the target what the plan needs: just the linked accounts when
// all are linked, else everything, since somebody there may match.
func (w *worker) lookTarget(ctx context.Context, r run.Run, h *hinted) error {
	if keys, ok := w.linked(h); ok {
		b := directory.NewBuilder(w.systemName(ctx), w.o.Now())
		whole := true
		for _, kind := range []directory.Kind{directory.Department, directory.User} {
			for chunk := range slices.Chunk(ofKind(keys, kind), askChunk) {
				seen, err := askAll(ctx, w.flow.Target, kind, chunk)
				if err != nil {
					return fmt.Errorf("ask target for the changed: %w", err)
				}
				for i, s := range seen {
					if s.Presence != connector.Present || s.Object.Key != (directory.Key{Kind: kind, ID: chunk[i]}) {
						whole = false
						continue
					}
					b.Add(s.Object)
				}
			}
		}
		if whole {
			b.Incomplete(saidByEvent)
			h.target, _ = b.Finish()
			return nil
		}
	}
	var err error
	h.target, err = w.readTarget(ctx, r.Code)
	return err
}

func (w *worker) systemName(ctx context.Context) string {
	n, err := w.systemNames(ctx, w.flow, nil)
	if err != nil {
		return w.flow.Target.Describe().Type
	}
	return n.target
}

// linked gives the target objects of the changed ones and of all that they refer
// to, or false when one has none, or when departments are found by their path.
func (w *worker) linked(h *hinted) ([]directory.Key, bool) {
	if w.flow.Plan.Departments == nil {
		return nil, false
	}
	partner := map[directory.Key]directory.Key{}
	for _, l := range h.links {
		if l.Live() {
			partner[l.Source] = l.Target
		}
	}
	keys := map[directory.Key]bool{}
	for key := range h.keys {
		target, ok := partner[key]
		if !ok {
			return nil, false
		}
		keys[target] = true
		o, _ := h.source.Get(key)
		for _, v := range o.Attributes {
			for _, ref := range v.Refs() {
				if target, ok := partner[ref.Key]; ok {
					keys[target] = true
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(keys), func(x, y directory.Key) int { return cmp.Compare(x.String(), y.String()) }), true
}

// remember keeps with a new link what the source says of somebody whom no full
// listing had yet: who leaves before there is one is judged on it. The next full run
// forgets it of all who are still there.
func (a *applier) remember(ctx context.Context, c *plan.Change, l *mapping.Link) {
	if a.run.Objects == "" || c.Op != plan.Create && c.Op != plan.Adopt {
		return
	}
	s, unsure := askOne(ctx, a.flow.From, a.flow.Source, c.Source)
	if s.Presence == connector.Present && unsure == "" {
		l.Seen = s.Object.Attributes
		return
	}
	a.o.Logger.InfoContext(ctx, "somebody new is not remembered", "run", a.run.Code)
}

// echoes are the accounts of the flow's source that other flows write, where what
// this flow writes comes back to them: a change there may be our own, and would go
// round for ever if two rules disagree.
type echoes map[directory.Key]directory.Attributes

// has tells whether an object is just as we last wrote it.
func (e echoes) has(o directory.Object) bool {
	written, ours := e[o.Key]
	if !ours || len(written) == 0 {
		return false
	}
	for name, v := range written {
		have := o.Value(name)
		if v.Type() == directory.Unknown || have.Type() == directory.Unknown {
			continue
		}
		if !mapping.Same(name, v, have) {
			return false
		}
	}
	return true
}

func (w *worker) echoes(ctx context.Context) (echoes, error) {
	out := echoes{}
	reach := w.reach(w.flow.To)
	for _, name := range w.names {
		f := w.flows[name]
		if f.To != w.flow.From || !reach[f.From] {
			continue
		}
		links, err := w.o.Store.Links(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("load links: %w", err)
		}
		for _, l := range links {
			if l.Live() {
				out[l.Target] = l.Written
			}
		}
	}
	return out, nil
}

// reach gives the systems that what is written into a system comes to.
func (e *Engine) reach(system string) map[string]bool {
	seen := map[string]bool{system: true}
	for grown := true; grown; {
		grown = false
		for _, f := range e.flows {
			if seen[f.From] && !seen[f.To] {
				seen[f.To], grown = true, true
			}
		}
	}
	return seen
}
