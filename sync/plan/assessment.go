package plan

// SteppedUp is the tier from which votes in the chat are not enough: one of the
// voters confirms outside it, and the run waits a while before it begins.
const SteppedUp = 3

// Assessment is how dangerous a plan is, and what it needs.
type Assessment struct {
	Tier    int       `json:"tier"`    // 0 to 4
	Votes   int       `json:"votes"`   // persons who must agree; 0 = nobody
	Blocked bool      `json:"blocked"` // no vote helps
	Reasons []Finding `json:"reasons,omitempty"`
}

// Finding is one reason of an assessment. It says its numbers and the exact way
// on; Code is a fixed word for both languages' texts.
type Finding struct {
	Code  string  `json:"code"`
	Tier  int     `json:"tier"` // that it raises the plan to
	Have  float64 `json:"have"`
	Limit float64 `json:"limit"`
	What  string  `json:"what,omitempty"` // a name: department, account, permission
}

// The codes of findings.
const (
	FindDelete        = "delete"         // there is a DELETE
	FindDisable       = "disable"        // more DISABLE than approve.disable_over
	FindAdopt         = "adopt"          // there is an adoption
	FindUndo          = "undo"           // takes back what people had voted on
	FindMany          = "many"           // more destructive changes than one vote covers
	FindAnother       = "another"        // an account of ours gets another name, number and address at once; What: the first
	FindStranger      = "stranger"       // an account to be taken away seems to be somebody else's by now; What: the first
	FindStaff         = "staff"          // an approver, admin or manager is touched
	FindBlind         = "blind"          // a DELETE of an account whose state cannot be seen
	FindMaxDelete     = "max_delete"     // guard.max_delete
	FindDeletePercent = "delete_percent" // guard.max_delete_percent
	FindDepartment    = "department"     // guard.max_delete_percent_per_department
	FindShrink        = "shrink"         // guard.max_shrink_percent
	FindChangePercent = "change_percent" // guard.max_change_percent
	FindBlanked       = "blanked"        // one attribute emptied for many
	FindEmptySource   = "empty_source"   // the source has no users
	FindIncomplete    = "incomplete"     // a destructive change on an incomplete source
	FindProtected     = "protected"      // a protected account
	FindUnlinked      = "unlinked"       // an account that is not ours
	FindHardCap       = "hard_cap"       // more than 200, or 10 and more than a quarter
	FindRuleErrors    = "rule_errors"    // a rule failed too often; What: its file
	FindRuleBroken    = "rule_broken"    // a rule is of no use at all; What: its place and what is wrong, in both languages
)
