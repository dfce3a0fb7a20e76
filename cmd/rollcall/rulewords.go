package main

import (
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

// doing names an operation in the terminal's language.
func (p *process) doing(op plan.Op) string {
	switch op {
	case plan.Create:
		return p.say("create", "新建")
	case plan.Update:
		return p.say("update", "更新")
	case plan.Disable:
		return p.say("disable", "停用")
	case plan.Delete:
		return p.say("delete", "删除")
	case plan.Adopt:
		return p.say("adopt", "认领")
	default:
		return p.say("nothing", "不操作")
	}
}

// whyNothing says why nothing would happen to a person.
func (p *process) whyNothing(t *run.Tried) string {
	v := t.Verdict
	switch t.Note {
	case plan.RuleFailed:
		if v.Failed == nil {
			return p.say("the rule called two different execute functions; the person is left untouched", "规则调用了两个不同的 execute 函数，此人保持不动")
		}
		return p.say("the rule failed; the person is left untouched", "规则脚本出错，此人保持不动")
	case plan.Held:
		return p.whyHeld(t)
	case "":
		if (v.Calls.Disable || v.Calls.Delete) && t.Target == nil {
			return p.say("the rule chose to take the account away, and the target has none", "规则要停用或删除账号，但目标里没有这个账号")
		}
		return p.say("source and target agree", "来源与目标一致，没有要做的")
	default:
		return p.noted(t.Note)
	}
}

// whyHeld says why the rule held the object.
func (p *process) whyHeld(t *run.Tried) string {
	v := t.Verdict
	switch {
	case v.Data != nil && !v.Returned:
		return p.say("the rule changed context.data and ended without return context", "规则改了 context.data，但没有以 return context 结束")
	case v.Calls.Update && t.Target == nil:
		return p.say("the rule called executeUpdate, and the target has no such account", "规则调用了 executeUpdate，但目标里没有这个账号")
	default:
		return p.say("whether to %s is the rule's to decide, and it called no execute function for this person", "要不要%s由规则决定，而它没有为此人调用 execute 函数", p.doing(t.Proposed))
	}
}

// noted says in a few words why an object is left alone.
func (p *process) noted(note plan.NoteKind) string {
	switch note {
	case plan.LeftActive:
		return p.say("has left, and the rule let nothing happen: the account stays active", "已离职，但规则没有放行：账号仍可用")
	case plan.RuleFailed:
		return p.say("the rule failed", "规则出错")
	case plan.Held:
		return p.say("held: the rule did not say what to do", "搁置：规则没有给出操作")
	case plan.Aborted:
		return p.say("dropped by the rule (repo.abort)", "规则放弃（repo.abort）")
	case plan.Conflict:
		return p.say("in conflict: several may be meant", "有冲突：可能指多个对象")
	case plan.OutOfScope:
		return p.say("out of the flow's scope", "不在流程范围内")
	case plan.Kept:
		return p.say("kept", "保留")
	case plan.Lost:
		return p.say("a reference has no partner", "引用找不到对应对象")
	default:
		return p.say("nothing can be concluded", "无法判断")
	}
}
