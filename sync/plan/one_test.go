package plan_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

func TestForesee(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source, target, links, rule string
		who                         string
		gone                        bool // since the listing
		want                        string
		unsure                      string
	}{
		"a new user who leads themselves": {source: "user 1 甲 boss=1", who: "1", want: "CREATE user:1 甲 [] [manager=new:user:1 name=甲 userid=1] differs\n"},
		"gone since the listing": {
			source: "user 1 甲 title=总监", target: "user 1 甲", links: "1 -> 1", who: "1", gone: true,
			want: "DISABLE user:1 甲 [active=true name=甲 userid=1] [] gone\n",
		},
		"gone, and the rule throws": {
			source: "user 1 甲", target: "user 1 甲", links: "1 -> 1", rule: "1: throw oops", who: "1", gone: true,
			want: "left_active DISABLE has left, still active; oops / 已离职，账号仍有效；oops（错误）\n",
		},
		"gone, and perhaps back under another id": {
			source: "user 1 甲 email=a@x.cn\nuser 2 甲 email=a@x.cn", target: "user 1 甲 email=a@x.cn", links: "1 -> 1", who: "1", gone: true,
			unsure: "2 in the source has a match key",
		},
		"a manager who is yet to come": {source: "user 1 甲 boss=2\nuser 2 乙", who: "1", unsure: "not linked yet"},
		"only the manager may differ":  {source: "user 1 甲 boss=2\nuser 2 乙", target: "user 1 甲", links: "1 -> 1", who: "1", unsure: "not linked yet"},
		"a manager who is nowhere":     {source: "user 1 甲 boss=9 title=专员", target: "user 1 甲", links: "1 -> 1", who: "1", want: "UPDATE user:1 甲 [title=] [title=专员] differs\nlost UPDATE left as it is, a reference has no partner: manager: user:9 / 保持原样，引用找不到对应对象：manager: user:9\n"},
		"two of one number":            {source: "user 1 甲\nuser 2 乙 no=1", who: "1", want: "conflict NONE 2 source objects have the same employee_no: 甲 (1), 乙 (2) / 来源里有 2 个对象的 employee_no 相同：甲 (1), 乙 (2)\n"},
	} {
		w := newWorld(t)
		w.spec[directory.User].Match = []string{"employee_no"}
		if strings.Contains(name, "another id") {
			w.spec[directory.User].Match = []string{"email"}
		}
		w.source.read(w, c.source, false)
		w.target.read(w, c.target, true)
		w.readLinks(c.links)
		if c.rule != "" {
			w.readRule(c.rule)
		}
		in := w.input()
		one := oneOf(in, directory.Key{Kind: directory.User, ID: directory.ID(c.who)})
		if c.gone {
			one.Source = nil
		}
		seen, err := plan.Foresee(t.Context(), in, one)
		if got := foreseenText(seen, false); err != nil || got != c.want || (c.unsure == "") != (seen.Unsure == "") || !strings.Contains(seen.Unsure, c.unsure) {
			t.Errorf("%s: %q, unsure %q, %v; want %q, %q", name, got, seen.Unsure, err, c.want, c.unsure)
		}
	}
}

func TestJudgeWeighsAGivenOperation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rule, cannot string
		op, final    plan.Op
		note         plan.NoteKind
	}{
		"it stands":               {rule: "1: return", op: plan.Delete, final: plan.Delete},
		"the rule holds it":       {rule: "1: title = x", op: plan.Update, final: plan.None, note: plan.Held},
		"the rule drops it":       {rule: "1: abort DISABLE; return", op: plan.Disable, final: plan.None, note: plan.Aborted},
		"the rule drops another":  {rule: "1: abort DELETE; return", op: plan.Disable, final: plan.Disable},
		"the target cannot":       {rule: "1: executeDelete; return", cannot: "delete user", op: plan.Update, final: plan.None, note: plan.Kept},
		"the rule takes it away":  {rule: "1: executeDisable; return", op: plan.None, final: plan.Disable},
		"never a write for those": {rule: "1: executeUpdate; return", op: plan.Delete, final: plan.Delete},
	} {
		w := newWorld(t)
		w.cannot = append(w.cannot, c.cannot)
		w.source.read(w, "user 1 甲", false)
		w.target.read(w, "user 1 甲", true)
		w.readLinks("1 -> 1")
		w.readRule(c.rule)
		in := w.input()
		got, err := plan.Judge(t.Context(), in, oneOf(in, directory.Key{Kind: directory.User, ID: "1"}), c.op)
		if err != nil || got.Proposed != c.op || got.Final != c.final || got.Note != c.note || !got.Ruled {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
