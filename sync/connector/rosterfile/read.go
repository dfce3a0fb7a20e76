package rosterfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Read reads the file and gives everybody in it, and the departments that their
// rows name. A broken row is left out and named in Health.Problems, and the
// snapshot then proves no absence; nor does it when the file is declared
// partial. A file with a header and no rows is complete and empty, and so is a
// target that is not there yet.
//
// Faults: Invalid (no such file, a column is missing or there twice, a sheet is
// missing, the file is damaged or too large), Credential (we may not read it),
// Unavailable (it is being written, the disk fails, ctx ended).
func (c *Connector) Read(ctx context.Context) (*directory.Snapshot, error) {
	started := c.o.Now()
	r, err := c.current(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.needed(r); err != nil {
		return nil, err
	}
	s := *r.snapshot
	s.TakenAt = started
	s.Health.Retries = r.retries
	s.Health.Took = c.o.Now().Sub(started)
	s.Health.Problems = slices.Clone(s.Health.Problems)
	s.Health.Hidden = slices.Clone(s.Health.Hidden)
	return &s, nil
}

// Lookup reads the file again, unless its content is what was read or written
// last, and says who is in it. Somebody is Gone when the file is complete without
// them; while anything in it cannot be read, or when it is partial, that is
// Unsure. Faults are those of Read.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if len(ids) == 0 {
		return []connector.Sighting{}, nil
	}
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer c.give()
	// What changes among people may change departments, which are only read whole.
	r, err := c.latest(ctx, kind == directory.Department)
	if err != nil {
		return nil, err
	}
	if err := c.needed(r); err != nil {
		return nil, err
	}
	out := make([]connector.Sighting, len(ids))
	for i, id := range ids {
		out[i] = r.sighting(directory.Key{Kind: kind, ID: id})
	}
	return out, nil
}

// needed sees that what is relied on comes from some column, be it one of two that mean
// the same.
func (c *Connector) needed(r *roster) error {
	var missing []string
	for _, name := range c.o.Needs {
		if _, there := r.declared[name]; !r.absent && !there && !r.settles(name) && !derived(name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, ", ")
	return c.invalid(
		fmt.Sprintf("no column holds %s, which a flow reads: put it back, name its heading under attributes, or take it out of the flow", list),
		fmt.Sprintf("没有流程要读取的列：%s。请补上这一列，或在 attributes 里写明它的表头，或从流程中去掉", list))
}

func (r *roster) sighting(key directory.Key) connector.Sighting {
	if o, ok := r.changed[key.ID]; ok && key.Kind == directory.User {
		if o == nil {
			return r.absence()
		}
		return connector.Sighting{Presence: connector.Present, Object: *o}
	}
	if o, ok := r.snapshot.Get(key); ok {
		return connector.Sighting{Presence: connector.Present, Object: o}
	}
	if key.Kind == directory.User {
		if why, ok := r.broken[key.ID]; ok {
			return connector.Sighting{Presence: connector.Unsure, Why: why.en + " / " + why.zh}
		}
	}
	return r.absence()
}

// absence says what it means that somebody is not in the file.
func (r *roster) absence() connector.Sighting {
	if !r.snapshot.Complete() {
		return connector.Sighting{Presence: connector.Unsure, Why: r.snapshot.Health.PartialFor}
	}
	return connector.Sighting{Presence: connector.Gone}
}

// Probe reads the file as Read does and tells what is wrong with it as a whole,
// also that two columns mean the same, or, of a target, that its folder cannot be
// written to. Broken rows are no reason to fail. Faults: those of Read and Apply.
func (c *Connector) Probe(ctx context.Context) error {
	r, err := c.current(ctx)
	if err != nil {
		return err
	}
	if len(r.hidden) > 0 {
		return fault.New(fault.Invalid, "%s", r.hidden[0])
	}
	if !c.o.Target {
		return nil
	}
	if err := c.take(ctx); err != nil {
		return err
	}
	defer c.give()
	return c.tryFolder(ctx)
}

// Recognised reads the file and says what it was taken for: a vendor's template,
// and which columns mean what. Faults are those of Read.
func (c *Connector) Recognised(ctx context.Context) (Recognised, error) {
	r, err := c.current(ctx)
	if err != nil {
		return Recognised{}, err
	}
	seen := r.seen
	seen.Columns = slices.Clone(seen.Columns)
	return seen, nil
}

// Columns reads the file and describes its columns in their order. Faults are
// those of Read.
func (c *Connector) Columns(ctx context.Context) ([]Column, error) {
	r, err := c.current(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(r.columns), nil
}

// Declared reads the file and gives the types of the attributes that its people
// have: standard ones, declared ones, and every column under its own heading.
// Faults are those of Read.
func (c *Connector) Declared(ctx context.Context) (map[string]directory.Type, error) {
	r, err := c.current(ctx)
	if err != nil {
		return nil, err
	}
	return maps.Clone(r.declared), nil
}

// take waits for the turn, or gives a fault when ctx ends first.
func (c *Connector) take(ctx context.Context) error {
	if ctx.Err() != nil {
		return c.explain(ctx.Err())
	}
	select {
	case <-c.turn:
		return nil
	case <-ctx.Done():
		return c.explain(ctx.Err())
	}
}

func (c *Connector) give() { c.turn <- struct{}{} }

// current gives the whole file as it is now.
func (c *Connector) current(ctx context.Context) (*roster, error) {
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer c.give()
	r, err := c.latest(ctx, true)
	if err != nil {
		return nil, err
	}
	return r.copy(), nil
}

// latest gives the file as it is now; not whole, only for sightings. The reading
// that was kept serves again only when the content, not just its size and time,
// is still the same. The caller has the turn.
func (c *Connector) latest(ctx context.Context, whole bool) (*roster, error) {
	if c.kept != nil {
		got, err := c.look(ctx, false)
		same := err == nil && got.sum == c.kept.sum || c.kept.absent && errors.Is(err, fs.ErrNotExist)
		if same && (!whole || len(c.kept.changed) == 0) {
			c.kept.retries = 0
			return c.kept, nil
		}
		c.kept = nil // before the next one is read: two would take twice the memory
	}
	started := c.o.Now()
	got, retries, err := c.settled(ctx)
	absent := c.mayBeAbsent(err)
	if absent {
		var data []byte
		if data, err = c.blank(); err == nil {
			got = &content{data: data, sum: sha256.Sum256(data)}
		}
	}
	if err != nil {
		return nil, err
	}
	c.met = c.met || !absent
	r, err := c.parse(ctx, got)
	if err != nil {
		return nil, err
	}
	r.sum, r.absent, r.retries, r.took = got.sum, absent, retries, c.o.Now().Sub(started)
	c.kept = r
	c.log(ctx, r)
	return r, nil
}

// settled gives the file's content: at once when it is what we wrote, else when
// two looks agree. Faults are those of stable.
func (c *Connector) settled(ctx context.Context) (*content, int, error) {
	if c.doc != nil && !c.doc.absent {
		if got, err := c.look(ctx, true); err == nil && got.sum == c.doc.sum {
			return got, 0, nil
		}
	}
	return c.stable(ctx)
}

// mayBeAbsent tells whether err says that a target is not there yet: it was never
// seen, and no marker says that it was there before we started. One that vanishes
// has been moved away, or its share is not mounted, and a new one would lack
// everybody.
func (c *Connector) mayBeAbsent(err error) bool {
	return c.o.Target && !c.met && errors.Is(err, fs.ErrNotExist) && !c.marked()
}

// copy gives a roster that later readings do not change.
func (r *roster) copy() *roster {
	other := *r
	return &other
}

func (c *Connector) log(ctx context.Context, r *roster) {
	s := r.snapshot
	c.o.Logger.InfoContext(ctx, "roster file read",
		"users", s.Len(directory.User), "departments", s.Len(directory.Department),
		"template", string(r.seen.Template), "header_row", r.seen.HeaderRow, "problems", len(s.Health.Problems), "complete", s.Complete(), "took", r.took.String())
}

// parse reads a file's content, and lets go of it.
func (c *Connector) parse(ctx context.Context, got *content) (*roster, error) {
	data := got.data
	got.data = nil
	t, err := c.table(ctx, data)
	if err != nil {
		return nil, err
	}
	return c.build(ctx, t)
}

func (c *Connector) table(ctx context.Context, data []byte) (*table, error) {
	if c.o.format() == formatXLSX {
		return c.xlsxTable(ctx, data)
	}
	return c.csvTable(ctx, data)
}
