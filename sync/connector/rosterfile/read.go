package rosterfile

import (
	"context"
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// Read reads the file and gives everybody in it, and the departments that their
// rows name. A broken row is left out and named in Health.Problems, and the
// snapshot then proves no absence; nor does it when the file is declared
// partial. A file with a header and no rows is complete and empty.
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
	s := *r.snapshot
	s.TakenAt = started
	s.Health.Retries = r.retries
	s.Health.Took = c.o.Now().Sub(started)
	s.Health.Problems = slices.Clone(s.Health.Problems)
	s.Health.Hidden = slices.Clone(s.Health.Hidden)
	return &s, nil
}

// Lookup reads the file again, unless its content is what was read last, and
// says who is in it. Somebody is Gone when the file is complete without them;
// while anything in it cannot be read, or when it is partial, that is Unsure.
// Faults are those of Read.
func (c *Connector) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if len(ids) == 0 {
		return []connector.Sighting{}, nil
	}
	r, err := c.current(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Sighting, len(ids))
	for i, id := range ids {
		out[i] = r.sighting(directory.Key{Kind: kind, ID: id})
	}
	return out, nil
}

func (r *roster) sighting(key directory.Key) connector.Sighting {
	if o, ok := r.snapshot.Get(key); ok {
		return connector.Sighting{Presence: connector.Present, Object: o}
	}
	if key.Kind == directory.User {
		if why, ok := r.broken[key.ID]; ok {
			return connector.Sighting{Presence: connector.Unsure, Why: why.en + " / " + why.zh}
		}
	}
	if !r.snapshot.Complete() {
		return connector.Sighting{Presence: connector.Unsure, Why: r.snapshot.Health.PartialFor}
	}
	return connector.Sighting{Presence: connector.Gone}
}

// Probe reads the file as Read does and tells what is wrong with it as a whole.
// Broken rows are no reason to fail.
func (c *Connector) Probe(ctx context.Context) error {
	_, err := c.current(ctx)
	return err
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

// current gives the file as it is now. The reading that was kept serves again
// only when the content, not just its size and time, is still the same.
func (c *Connector) current(ctx context.Context) (*roster, error) {
	if ctx.Err() != nil {
		return nil, c.explain(ctx.Err())
	}
	select {
	case <-c.turn:
	case <-ctx.Done():
		return nil, c.explain(ctx.Err())
	}
	defer func() { c.turn <- struct{}{} }()
	if c.kept != nil {
		if got, err := c.look(ctx, false); err == nil && got.sum == c.kept.sum {
			c.kept.retries = 0
			return c.kept.copy(), nil
		}
		c.kept = nil // before the next one is read: two would take twice the memory
	}
	started := c.o.Now()
	got, retries, err := c.stable(ctx)
	if err != nil {
		return nil, err
	}
	r, err := c.parse(ctx, got)
	if err != nil {
		return nil, err
	}
	r.sum, r.retries, r.took = got.sum, retries, c.o.Now().Sub(started)
	c.kept = r
	c.log(ctx, r)
	return r.copy(), nil
}

// copy gives a roster that later readings do not change.
func (r *roster) copy() *roster {
	other := *r
	return &other
}

func (c *Connector) log(ctx context.Context, r *roster) {
	s := r.snapshot
	c.o.Logger.InfoContext(ctx, "roster file read", "system", c.o.System,
		"users", s.Len(directory.User), "departments", s.Len(directory.Department),
		"problems", len(s.Health.Problems), "complete", s.Complete(), "took", r.took)
}

// parse reads a file's content, and lets go of it.
func (c *Connector) parse(ctx context.Context, got *content) (*roster, error) {
	var t *table
	var err error
	data := got.data
	got.data = nil
	if c.o.format() == formatXLSX {
		t, err = c.xlsxTable(ctx, data)
	} else {
		t, err = c.csvTable(ctx, data)
	}
	if err != nil {
		return nil, err
	}
	return c.build(ctx, t)
}
