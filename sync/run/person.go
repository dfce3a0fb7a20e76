package run

import "slices"

// Platform is where a message comes from or goes to.
type Platform string

// The platforms.
const (
	Feishu   Platform = "feishu"
	DingTalk Platform = "dingtalk"
	WeCom    Platform = "wecom"
	CLI      Platform = "cli"
	Clock    Platform = "clock"  // schedules
	Change   Platform = "change" // a system said that something changed
)

// Role is what a person may do in a flow.
type Role string

// The roles. Operator and approver include viewer; admin includes operator, but
// nobody is an approver by another role.
const (
	Viewer   Role = "viewer"
	Operator Role = "operator"
	Approver Role = "approver"
	Admin    Role = "admin"
)

// Account is a person's account on a platform.
type Account struct {
	Platform Platform
	ID       string // Feishu: open_id, or union_id / user_id with their prefix; DingTalk: staffId
}

// Person is a human with accounts and roles.
type Person struct {
	Name       string
	EmployeeNo string
	Email      string
	Accounts   []Account
	Roles      map[Role][]string // flows, or "*" for all
	TOTP       bool              // can vote by CLI
}

// May tells whether the person holds a role for a flow.
func (p Person) May(role Role, flow string) bool {
	for _, holds := range includedIn(role) {
		flows := p.Roles[holds]
		if slices.Contains(flows, "*") || flow != "" && slices.Contains(flows, flow) {
			return true
		}
	}
	return false
}

// includedIn lists the roles whose holders have the given one.
func includedIn(role Role) []Role {
	switch role {
	case Viewer:
		return []Role{Viewer, Operator, Approver, Admin}
	case Operator:
		return []Role{Operator, Admin}
	default:
		return []Role{role}
	}
}

// Account gives the person's account on a platform, or "".
func (p Person) Account(platform Platform) string {
	for _, a := range p.Accounts {
		if a.Platform == platform {
			return a.ID
		}
	}
	return ""
}

// Actor is who did something: a person by way of an account. The zero Actor is
// the clock.
type Actor struct {
	Person   string   `json:"person,omitempty"` // name of a configured person; "" = nobody we know
	Platform Platform `json:"platform,omitempty"`
	Account  string   `json:"account,omitempty"`
	Channel  Channel  `json:"channel,omitempty"`
}

// Channel is the door that something came through. Every door leads to the same
// policy.
type Channel string

// The channels.
const (
	ByText   Channel = "text"
	ByButton Channel = "button"
	FromCLI  Channel = "cli"
)

// Thread is where a run is talked about: a room, and in it the message that
// asked.
type Thread struct {
	Platform Platform `json:"platform,omitempty"`
	Chat     string   `json:"chat,omitempty"`    // chat_id, conversationId
	Message  string   `json:"message,omitempty"` // the message to answer; "" = speak to the room
}
