package engine

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// shownLife is how long what was seen of an object that others rest on counts: a hundred
// people of one department cost one question, and a change is heeded soon.
const shownLife = 30 * time.Second

// showing is an object of the source as it was shown a moment ago.
type showing struct {
	connector.Sighting
	at time.Time // before it was asked for
}

// see sees that objects of the source are known as they are, asking for those that were
// not seen for a while.
func (a *applier) see(ctx context.Context, kind directory.Kind, ids []directory.ID) error {
	now := a.o.Now()
	var old []directory.ID
	for _, id := range ids {
		// A clock that went back makes everything old.
		s, seen := a.shown[directory.Key{Kind: kind, ID: id}]
		if !seen || now.Before(s.at) || now.Sub(s.at) > shownLife {
			old = append(old, id)
		}
	}
	for chunk := range slices.Chunk(old, askChunk) {
		seen, err := askAll(ctx, a.flow.Source, kind, chunk)
		if err != nil {
			return err
		}
		for i, id := range chunk {
			a.shown[directory.Key{Kind: kind, ID: id}] = showing{seen[i], now}
		}
	}
	return nil
}

// looksHold tells whether the other objects that a rule judged by are what they were: it
// might decide otherwise by now, and is not asked again. Any doubt of one of them leaves
// the account alone; say, or the error, names it.
func (a *applier) looksHold(ctx context.Context, looked []plan.Look) (holds bool, say string, err error) {
	for _, kind := range []directory.Kind{directory.Department, directory.User} {
		var first *plan.Look
		var ids []directory.ID
		for i := range looked {
			if l := &looked[i]; l.Key.Kind == kind {
				first, ids = cmp.Or(first, l), append(ids, l.Key.ID)
			}
		}
		if err := a.see(ctx, kind, ids); err != nil {
			en, zh := lookName(first)
			return false, "", fault.Wrap(fault.KindOf(err), err, "the rule judged by %s, which cannot be asked for now: %s / 规则判断时参照了%s，现在查询不到：%s",
				en, fault.In(fault.Say(err), "en"), zh, fault.In(fault.Say(err), "zh"))
		}
	}
	for i := range looked {
		if say := otherwise(&looked[i], a.shown[looked[i].Key].Sighting); say != "" {
			return false, say, nil
		}
	}
	return true, "", nil
}

// otherwise says how an object differs from what a rule saw of it; "" when it does not.
func otherwise(l *plan.Look, now connector.Sighting) string {
	en, zh := lookName(l)
	switch was := !l.Fingerprint.IsZero(); {
	case now.Presence == connector.Gone && was:
		return sayf("the rule judged by %s, which is not in the source any more: not touched / 规则判断时参照的%s 在来源中已不存在，未执行", en, zh)
	case now.Presence == connector.Gone:
		return ""
	case now.Presence != connector.Present:
		if now.Why != "" {
			en, zh = en+" ("+fault.In(now.Why, "en")+")", zh+"（"+fault.In(now.Why, "zh")+"）"
		}
		return sayf("the source cannot say whether what the rule judged by is still so, %s: not touched / 来源无法确认规则判断的依据是否仍然成立：%s，未执行", en, zh)
	case !was:
		return sayf("when the rule judged, the source had no %s, and now it has: not touched / 规则判断时来源中没有%s，现在已有，未执行", en, zh)
	case now.Object.Digest() == l.Fingerprint:
		return ""
	default:
		return sayf("the rule judged by %s, which has changed in the source: not touched / 规则判断时参照的%s 在来源中已改变，未执行", en, zh)
	}
}

// lookName names an object that a rule looked at, in both languages.
func lookName(l *plan.Look) (en, zh string) {
	if l.Key.Kind == directory.Department {
		return "department " + l.Name, "部门 " + l.Name
	}
	return "user " + l.Name, "人员 " + l.Name
}
