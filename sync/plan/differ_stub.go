package plan

import (
	"context"
	"reflect"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Differ stands in until the real one is merged.
func Differ(ctx context.Context, in Input) (int, []Differing, error) {
	decide := func(rules Rules) (map[directory.Key]Decision, map[directory.Key]string, int, error) {
		in := in
		in.Rules, in.Former = rules, nil
		m := newMaker(in)
		if err := m.plan(ctx); err != nil {
			return nil, nil, 0, err
		}
		out, names := map[directory.Key]Decision{}, map[directory.Key]string{}
		for _, d := range m.drafts {
			if d.Op != Adopt {
				out[d.Source] = Decision{Op: d.Op, Rule: d.Rule, Write: d.After}
				names[d.Source] = d.Name
			}
		}
		for _, n := range m.notes {
			out[n.Key] = Decision{Op: None, Note: n.Kind, Say: n.Say, Rule: n.Place}
			names[n.Key] = n.Name
		}
		return out, names, m.judged, nil
	}
	old, oldNames, _, err := decide(in.Former.Rules)
	if err != nil {
		return 0, nil, err
	}
	now, names, judged, err := decide(in.Rules)
	if err != nil {
		return 0, nil, err
	}
	var all []Differing
	for _, kind := range []directory.Kind{directory.Department, directory.User} {
		for o := range in.Source.All(kind) {
			x, y := old[o.Key], now[o.Key]
			if x.Op == "" {
				x.Op = None
			}
			if y.Op == "" {
				y.Op = None
			}
			if !reflect.DeepEqual(x, y) {
				name := names[o.Key]
				if name == "" {
					name = oldNames[o.Key]
				}
				all = append(all, Differing{Key: o.Key, Name: name, Old: x, New: y})
			}
		}
	}
	return judged, all, nil
}
