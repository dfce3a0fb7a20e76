package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/mapping"
)

// linkAll links every source object to the target object that the flow would
// have made of it: the demo's company has been in step for years.
func (a *app) linkAll(ctx context.Context, f *configs.Flow) error {
	source, err := a.source(f.From)
	if err != nil {
		return err
	}
	target, err := a.source(f.To)
	if err != nil {
		return err
	}
	links, snap, err := a.pair(ctx, f.Name, source, target)
	if err != nil {
		return err
	}
	lease, ok, err := a.store.Acquire(ctx, f.Name, a.name, time.Minute)
	if err != nil || !ok {
		return err
	}
	if err := a.store.Mark(ctx, lease, nil, links); err != nil {
		return err
	}
	if err := a.store.SaveSnapshot(ctx, f.Name, snap); err != nil {
		return err
	}
	return a.store.Release(ctx, lease)
}

func (a *app) pair(ctx context.Context, flow string, source, target connector.Source) ([]mapping.Link, *directory.Snapshot, error) {
	from, err := source.Read(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read roster: %w", err)
	}
	to, err := target.Read(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read target: %w", err)
	}
	byPath := map[string]directory.ID{}
	for id, path := range mapping.Paths(to) {
		byPath[path] = id
	}
	var links []mapping.Link
	add := func(key directory.Key, id directory.ID) {
		links = append(links, mapping.Link{Flow: flow, Source: key, Target: directory.Key{Kind: key.Kind, ID: id}, Origin: mapping.Created, Since: a.p.now()})
	}
	for id, path := range mapping.Paths(from) {
		if there, ok := byPath[path]; ok {
			add(directory.Key{Kind: directory.Department, ID: id}, there)
		}
	}
	for o := range from.All(directory.User) {
		if to.Has(o.Key) {
			add(o.Key, o.ID)
		}
	}
	return links, from, nil
}
