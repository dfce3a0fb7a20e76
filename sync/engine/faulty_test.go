package engine_test

import (
	"context"
	"time"

	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/engine"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// faulty is a record with hooks before some of its calls; nil hooks do nothing.
type faulty struct {
	*store.Store
	acquire func() error
	mark    func([]run.Entry) error
	links   func([]mapping.Link)
	update  func(run.Code) error
	create  func() error
	setting func(run.SettingKind) error
	rules   func() error
	hints   func() error // before they are kept
}

var _ engine.Store = (*faulty)(nil)

func (f *faulty) Acquire(ctx context.Context, flow, owner string, ttl time.Duration) (run.Lease, bool, error) {
	if f.acquire != nil {
		if err := f.acquire(); err != nil {
			return run.Lease{}, false, err
		}
	}
	return f.Store.Acquire(ctx, flow, owner, ttl)
}

func (f *faulty) AddHints(ctx context.Context, hints []run.Hint, most int) error {
	if f.hints != nil {
		if err := f.hints(); err != nil {
			return err
		}
	}
	return f.Store.AddHints(ctx, hints, most)
}

func (f *faulty) Mark(ctx context.Context, lease run.Lease, entries []run.Entry, links []mapping.Link) error {
	if f.mark != nil {
		if err := f.mark(entries); err != nil {
			return err
		}
	}
	if f.links != nil {
		f.links(links)
	}
	return f.Store.Mark(ctx, lease, entries, links)
}

func (f *faulty) UpdateRun(ctx context.Context, code run.Code, by run.Actor, fn func(*run.Run) error) (run.Run, error) {
	if f.update != nil {
		if err := f.update(code); err != nil {
			return run.Run{}, err
		}
	}
	return f.Store.UpdateRun(ctx, code, by, fn)
}

func (f *faulty) CreateRun(ctx context.Context, r run.Run, of ...run.Hint) (run.Run, bool, error) {
	if f.create != nil {
		if err := f.create(); err != nil {
			return run.Run{}, false, err
		}
	}
	return f.Store.CreateRun(ctx, r, of...)
}

func (f *faulty) Settings(ctx context.Context, kind run.SettingKind) ([]run.Setting, error) {
	if f.setting != nil {
		if err := f.setting(kind); err != nil {
			return nil, err
		}
	}
	return f.Store.Settings(ctx, kind)
}

func (f *faulty) KeepRules(ctx context.Context, config string, texts []plan.RuleText) error {
	if f.rules != nil {
		if err := f.rules(); err != nil {
			return err
		}
	}
	return f.Store.KeepRules(ctx, config, texts)
}

// odd is a system with hooks in the place of Apply and Lookup, and before Read;
// nil hooks do nothing.
type odd struct {
	*place
	apply  func(context.Context, connector.Write) (directory.Key, error)
	read   func()
	lookup func(directory.Kind, []directory.ID) []connector.Sighting // nil: as usual
}

var _ connector.Target = (*odd)(nil)

func (o *odd) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	if o.apply != nil {
		return o.apply(ctx, w)
	}
	return o.place.Apply(ctx, w)
}

func (o *odd) Read(ctx context.Context) (*directory.Snapshot, error) {
	if o.read != nil {
		o.read()
	}
	return o.place.Read(ctx)
}

func (o *odd) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	if o.lookup != nil {
		if seen := o.lookup(kind, ids); seen != nil {
			return seen, nil
		}
	}
	return o.place.Lookup(ctx, kind, ids)
}
