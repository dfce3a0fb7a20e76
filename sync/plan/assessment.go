package plan

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
