package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/mapping"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// DiffRules tells which objects of a flow's last complete listing other rules would
// decide differently. The accounts are taken to be as the links say, and whoever is
// linked and not listed to have left. Faults: NotFound for an unknown flow; Denied
// without the role operator; Invalid when one of the rules is of no use, then with its
// place; Unavailable when there is no listing yet, no old rules are known, or rules
// cannot be asked.
func (e *Engine) DiffRules(ctx context.Context, d run.RuleDiff) (run.RulesDiffered, error) {
	f, err := e.flow(d.Flow)
	if err != nil {
		return run.RulesDiffered{}, err
	}
	if err := e.may(d.By, run.Operator, d.Flow); err != nil {
		return run.RulesDiffered{}, err
	}
	old, since, err := e.oldRules(ctx, f, d.Old)
	if err != nil {
		return run.RulesDiffered{}, err
	}
	in, err := e.pretended(ctx, f)
	if err != nil {
		return run.RulesDiffered{}, err
	}
	rules, end, err := e.host(ctx, f, old)
	if err != nil {
		return run.RulesDiffered{}, err
	}
	defer end()
	if in.Rules == nil {
		in.Rules = unruled{}
	}
	in.Former = &plan.Former{Run: string(since), Rules: &budget{Rules: rules, texts: old, now: e.o.Now, most: e.o.RuleTime}}
	judged, all, err := plan.Differ(ctx, in)
	if err != nil {
		return run.RulesDiffered{}, notCompared(ctx, err)
	}
	return run.RulesDiffered{Since: since, Listed: in.Source.TakenAt, Judged: judged, All: all}, nil
}

// notCompared says why two sets of rules could not be compared.
func notCompared(ctx context.Context, err error) error {
	kind := fault.KindOf(err)
	if ctx.Err() != nil {
		kind = fault.Unavailable
	}
	return fault.Wrap(kind, err, "the rules were not compared: %s / 规则没有比较完：%s", fault.In(fault.Say(err), "en"), fault.In(fault.Say(err), "zh"))
}

// oldRules gives the rules to compare with: given ones, of the other kinds the flow's
// own, or those of the run that was applied last.
func (e *Engine) oldRules(ctx context.Context, f *Flow, given []plan.RuleText) ([]plan.RuleText, run.Code, error) {
	if len(given) > 0 {
		return instead(f.Texts, given), "", nil
	}
	last, ok, err := e.lastApplied(ctx, f.Plan.Name)
	if err != nil {
		return nil, "", err
	}
	if !ok {
		return nil, "", fault.New(fault.Unavailable, "flow %s has applied nothing yet: name the old rule file / 流程 %[1]s 还没有执行过：请指定旧的规则文件", f.Plan.Name)
	}
	texts, kept, err := e.o.Store.RuleTexts(ctx, last.Config)
	if err != nil {
		return nil, "", fmt.Errorf("load the rules of %s: %w", last.Code, err)
	}
	if !kept {
		return nil, "", fault.New(fault.Unavailable, "the rules of %s, which was applied last, were not kept: name the old rule file / 上一次执行（%[1]s）的规则没有留存：请指定旧的规则文件", last.Code)
	}
	return texts, last.Code, nil
}

// pretended gives the input of a plan without asking anybody: the last complete
// listing, and the accounts as the links say.
func (e *Engine) pretended(ctx context.Context, f *Flow) (plan.Input, error) {
	links, err := e.o.Store.Links(ctx, f.Plan.Name)
	if err != nil {
		return plan.Input{}, fmt.Errorf("load links: %w", err)
	}
	last, ok, err := e.o.Store.LastSnapshot(ctx, f.Plan.Name)
	if err != nil {
		return plan.Input{}, fmt.Errorf("load last snapshot: %w", err)
	}
	if !ok {
		return plan.Input{}, fault.New(fault.Unavailable, "flow %s has no complete listing yet: start a plan first / 流程 %[1]s 还没有完整读取过来源：请先预演一次", f.Plan.Name)
	}
	n, err := e.systemNames(ctx, f, last)
	if err != nil {
		return plan.Input{}, err
	}
	gone := map[directory.Key]plan.GoneAnswer{}
	for _, key := range plan.GoneCandidates(last, links) {
		gone[key] = plan.GoneConfirmed
	}
	info := f.Target.Describe()
	return plan.Input{
		Flow: f.Plan, Config: f.Config, Source: last, Target: f.standIns(n.target, last, links),
		SourceTenant: f.Source.Describe().Tenant, TargetTenant: info.Tenant,
		Links: links, Abilities: abilities(info), Rules: e.rules(f), Gone: gone, Staff: e.staff, Now: e.o.Now().In(f.Zone),
	}, nil
}

// standIns gives a target of the accounts that the links know, each as it was last
// written. Departments that are found by their path have no links: each source
// department stands for its own.
func (f *Flow) standIns(name string, last *directory.Snapshot, links []mapping.Link) *directory.Snapshot {
	target := map[directory.Key]directory.Key{}
	for i := range links {
		if links[i].Live() {
			target[links[i].Source] = links[i].Target
		}
	}
	b := directory.NewBuilder(name, last.TakenAt)
	if f.Plan.Departments == nil {
		ids := theirDepartments(f.Plan.Users, last, links)
		for d := range last.All(directory.Department) {
			b.Add(standInDepartment(d, ids))
		}
	}
	for i := range links {
		l := &links[i]
		if !l.Live() || l.Source.Kind == directory.Department && f.Plan.Departments == nil {
			continue
		}
		o := directory.Object{Key: l.Target, Active: l.DisabledAt.IsZero(), Attributes: directory.Attributes{}}
		for name, v := range l.Written {
			o.Attributes[name] = arrived(v, target)
		}
		b.Add(o)
	}
	snap, _ := b.Finish()
	return snap
}

// arrived gives a value that was written while what it refers to was yet to be
// created, with the ids that those objects got.
func arrived(v directory.Value, target map[directory.Key]directory.Key) directory.Value {
	refs := v.Refs()
	if !slices.ContainsFunc(refs, func(r directory.Ref) bool { return r.Pending }) {
		return v
	}
	out := slices.Clone(refs)
	for i, r := range out {
		if key, ok := target[r.Key]; ok && r.Pending {
			out[i] = directory.Ref{Key: key}
		}
	}
	return directory.RefsTo(out...)
}

// theirDepartments tells which target department each source department is, as far
// as it shows in what was written of the people: where somebody is in as many
// departments there as here, the first of them are the same, and so on. What most
// people show counts, since some may have moved meanwhile.
func theirDepartments(users *mapping.Mapping, last *directory.Snapshot, links []mapping.Link) map[directory.ID]directory.ID {
	attr := users.Counterpart(directory.AttrDepartments)
	votes := map[directory.ID]map[directory.ID]int{}
	for i := range links {
		l := &links[i]
		person, listed := last.Get(l.Source)
		here, there := person.Attributes[directory.AttrDepartments].Refs(), l.Written[attr].Refs()
		if !l.Live() || !listed || l.Source.Kind != directory.User || len(here) != len(there) {
			continue
		}
		for j := range here {
			if votes[here[j].ID] == nil {
				votes[here[j].ID] = map[directory.ID]int{}
			}
			votes[here[j].ID][there[j].ID]++
		}
	}
	ids := map[directory.ID]directory.ID{}
	for id, all := range votes {
		for other, n := range all {
			if best := all[ids[id]]; n > best || n == best && other < ids[id] {
				ids[id] = other
			}
		}
	}
	used := map[directory.ID]bool{}
	for _, id := range slices.Sorted(maps.Keys(ids)) { // two of ours cannot be one of theirs
		if used[ids[id]] {
			delete(ids, id)
			continue
		}
		used[ids[id]] = true
	}
	return ids
}

func standInDepartment(d directory.Object, ids map[directory.ID]directory.ID) directory.Object {
	theirs := func(id directory.ID) directory.ID {
		if other, ok := ids[id]; ok {
			return other
		}
		return "?" + id // an id that no account was written with
	}
	o := directory.Object{
		Key: directory.Key{Kind: directory.Department, ID: theirs(d.ID)}, Active: true,
		Attributes: directory.Attributes{directory.AttrName: d.Attributes[directory.AttrName]},
	}
	if parent := d.Attributes[directory.AttrParent].Refs(); len(parent) > 0 {
		o.Attributes[directory.AttrParent] = directory.RefsToKind(directory.Department, theirs(parent[0].ID))
	}
	return o
}
