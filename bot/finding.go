package bot

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/plan"
)

// mostFindings is how many reasons a card tells.
const mostFindings = 8

// findings says each reason of an assessment in words, with its numbers and the
// exact way on.
func (l Lang) findings(all []plan.Finding) []Line {
	lines := make([]Line, 0, min(len(all), mostFindings))
	for _, f := range all[:min(len(all), mostFindings)] {
		lines = append(lines, text(l.finding(f)))
	}
	if more := len(all) - mostFindings; more > 0 {
		lines = append(lines, text(l.say("… and %d more reasons", "……另有 %d 条原因", more)))
	}
	return lines
}

// brokenFirst puts a rule that is of no use before all other reasons: nothing else
// was found out without it.
func brokenFirst(all []plan.Finding) []plan.Finding {
	rank := func(f plan.Finding) int {
		if f.Code == plan.FindRuleBroken {
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(all), func(x, y plan.Finding) int { return cmp.Compare(rank(x), rank(y)) })
}

// number writes a count or a percentage without needless digits.
func number(x float64) string { return strconv.FormatFloat(float64(int(x*10+0.5))/10, 'f', -1, 64) }

// finding says one reason.
func (l Lang) finding(f plan.Finding) string {
	have, limit, what := number(f.Have), number(f.Limit), label(masked(l.of(f.What)))
	switch f.Code {
	case plan.FindDelete:
		return l.say("Accounts to be deleted: %s. A deletion always needs a vote.", "要删除 %s 个账号：删除一律需要审批。", have)
	case plan.FindDisable:
		return l.say("Accounts to be disabled, the last 24 hours included: %s. Up to %s need no vote (approve.disable_over).", "连同最近 24 小时共停用 %s 个账号；不超过 %s 个时无需审批（approve.disable_over）。", have, limit)
	case plan.FindAdopt:
		return l.say("Accounts found by a match key: %s. With the vote they become accounts of this flow (adopt).", "有 %s 个账号是按匹配键找到的，批准后由本流程管理（adopt）。", have)
	case plan.FindUndo:
		return l.say("%[1]s needed votes: to take it back needs one too.", "%[1]s 是经过审批的：撤销它也需要审批。", what)
	case plan.FindMany:
		return l.say("Accounts to be disabled or deleted, the last 24 hours included: %s. Above %s, more votes are needed.", "连同最近 24 小时共停用和删除 %s 个账号；超过 %s 个时需要更多审批。", have, limit)
	case plan.FindStaff:
		return l.say("An approver or admin here, or somebody who manages others: %s. Two votes are needed.", "涉及审批人、管理员或有下属的人：%s，需要两票。", what)
	case plan.FindAnother:
		return l.say("Accounts that get another name, mobile number and mail address all at once: %[1]s (%[2]s). Perhaps the source gave their id to somebody else, who would take over the account: look before you vote.",
			"有 %[1]s 个账号的姓名、手机号和邮箱同时都变了（%[2]s）：可能是来源把编号给了另一个人，批准后账号会归他使用，投票前请先核对。", have, what)
	case plan.FindStranger:
		return l.say("Accounts to be disabled or deleted that show nothing of what was last written: %[1]s (%[2]s). Perhaps their id was given to somebody else, who would lose the account: look before you vote.",
			"要停用或删除的账号中有 %[1]s 个与上次写入的内容全都不同（%[2]s）：可能编号已经给了另一个人，批准后他会失去账号，投票前请先核对。", have, what)
	case plan.FindBlind:
		return l.say("The current state of %s is not visible in the target: look at the account before you vote.", "看不到 %s 在目标系统中的当前状态：投票前请先核对该账号。", what)
	}
	return l.guardFinding(f, have, limit, what)
}

// guardFinding says what exceeds a guard: more than two votes is needed to go on,
// and what must be looked at before anybody votes.
func (l Lang) guardFinding(f plan.Finding, have, limit, what string) string {
	switch f.Code {
	case plan.FindMaxDelete:
		return l.say("Accounts to be disabled or deleted, the last 24 hours included: %s; guard.max_delete is %s. Look first who is missing in the source, and whether they have all left.",
			"连同最近 24 小时共停用和删除 %s 个账号，guard.max_delete 是 %s。请先核对来源里少了谁，是否都已离职。", have, limit)
	case plan.FindDeletePercent:
		return l.say("%s %% of the accounts would be disabled or deleted; guard.max_delete_percent is %s. Look first whether the source is whole, and whether they have all left.",
			"停用和删除占账号的 %s%%，guard.max_delete_percent 是 %s。请先核对来源是否完整，这些人是否都已离职。", have, limit)
	case plan.FindDepartment:
		return l.say("Department %[3]s loses %[1]s %% of its accounts; guard.max_delete_percent_per_department is %[2]s. Look first whether the department was renamed or moved.",
			"部门 %[3]s 要失去 %[1]s%% 的账号，guard.max_delete_percent_per_department 是 %[2]s。请先核对该部门是否改名或移动。", have, limit, what)
	case plan.FindShrink:
		return l.say("The source has %s %% fewer users than last time; guard.max_shrink_percent is %s. Look first at the export and the permissions of the source; reject when it is not whole.",
			"来源比上次少了 %s%% 的人，guard.max_shrink_percent 是 %s。请先核对来源的导出和权限；不完整就驳回。", have, limit)
	case plan.FindChangePercent:
		return l.say("%s %% of the accounts would be updated; guard.max_change_percent is %s. Look first at the updates (show CODE update) and at the mapping.",
			"要变更 %s%% 的账号，guard.max_change_percent 是 %s。请先看变更明细（详情 代码 变更）和字段映射。", have, limit)
	case plan.FindBlanked:
		return l.say("The attribute %[3]s would be emptied for %[1]s %% of the accounts (limit %[2]s). Look first at the column in the source and its permission; when it must not be emptied, reject and take it out of users.map.",
			"属性 %[3]s 要被清空的账号占 %[1]s%%（上限 %[2]s）。请先核对来源的这一列和权限；不该清空就驳回，并从 users.map 中去掉它。", have, limit, what)
	}
	return l.refusal(f, have, limit, what)
}

// The way on from a plan that is too large. What a narrower scope leaves out
// would still be gone from the source, so users.scope is no way on; the last 24
// hours count, so the groups must be a day apart.
const (
	wayOnEN = "Check that the source is whole. If they have all left, take them out of the source in smaller groups, a day apart, or do it by hand in the target."
	wayOnZH = "请先核对来源是否完整；若这些人确实都已离职，请隔天分批从来源移除，或在目标系统中手工处理。"
)

// refusal says what no vote helps against.
func (l Lang) refusal(f plan.Finding, have, limit, what string) string {
	switch f.Code {
	case plan.FindEmptySource:
		return l.say("The source %s has no users at all. Check the file or the permissions of the connection; then plan again.", "来源 %s 一个人也没有。请核对文件或连接的权限，然后重新预演。", what)
	case plan.FindIncomplete:
		why := ""
		if what != "" {
			why = l.say(" (", "（") + what + l.say(")", "）")
		}
		return l.say("The source was not read whole%[2]s: there is no proof that the %[1]s accounts to be disabled or deleted have left. Repair the source and plan again.",
			"来源没有读完整%[2]s，停用和删除 %[1]s 个账号没有依据。请修复来源后重新预演。", have, why)
	case plan.FindProtected:
		return l.say("Protected (protect): %s. Take the account off the list, or keep the person in the source.", "受保护的账号（protect）：%s。请从名单中去掉，或在来源中保留此人。", what)
	case plan.FindUnlinked:
		return l.say("Not an account of this flow, which never disables or deletes it: %s. Adopt it first, or do it by hand.", "不归本流程管理、本流程不会停用或删除的账号：%s。请先认领，或手工处理。", what)
	case plan.FindHardCap:
		if what == "%" {
			return l.say("%s %% of the accounts would be disabled or deleted; above %s %% nothing is done, whoever votes. "+wayOnEN,
				"停用和删除占账号的 %s%%；超过 %s%% 一律不执行，投票也不行。"+wayOnZH, have, limit)
		}
		return l.say("Accounts to be disabled or deleted, the last 24 hours included: %s; above %s nothing is done, whoever votes. "+wayOnEN,
			"连同最近 24 小时共停用和删除 %s 个账号；超过 %s 个一律不执行，投票也不行。"+wayOnZH, have, limit)
	case plan.FindRuleErrors:
		file := l.named(fileLine(masked(l.of(f.What)), placeRunes))
		if file == "" {
			file = l.say(" the rule", "脚本")
		}
		return l.say("Rules failed for %s objects; at most %s may fail (guard.max_rule_error_percent). See the places (show CODE notes), repair%s and plan again.",
			"规则脚本在 %s 个对象上出错，上限 %s 个（guard.max_rule_error_percent）。请看出错位置（详情 代码 保留），修好%s后重新预演。", have, number(math.Floor(f.Limit)), file)
	case plan.FindRuleBroken:
		at, why := l.brokenRule(f.What)
		return l.say("The rule%s cannot be used: %s. Nothing was changed. Repair it (rollcall config check, rollcall rules test) and plan again.",
			"规则脚本%s无法使用：%s。没有改动任何账号。请修好脚本（用 rollcall config check 和 rollcall rules test 检查）后重新预演。", l.named(at), why)
	default:
		return l.say("%s: %s (limit %s) %s", "%s：%s（上限 %s）%s", f.Code, have, limit, what)
	}
}
