package run

import (
	"encoding/json"
	"time"
)

// SettingKind is what a Setting is about.
type SettingKind string

// The kinds, with what their Name names.
const (
	SetPause      SettingKind = "pause"      // a flow, or "*" for all: a Pause
	SetSchedule   SettingKind = "schedule"   // a flow: a Timing
	SetDigest     SettingKind = "digest"     // a room: the bot's
	SetLang       SettingKind = "lang"       // a person: the bot's
	SetRoomLang   SettingKind = "room_lang"  // a room: the bot's
	SetMute       SettingKind = "mute"       // a room: the bot's
	SetDelegation SettingKind = "delegation" // see Delegation.Name: a Delegation
)

// Setting is something that people set while the service runs. It goes before
// the configuration, outlives the process, and is shared by all replicas.
type Setting struct {
	Kind  SettingKind
	Name  string
	Value json.RawMessage // nil: to be removed
	By    Actor
	At    time.Time
}

// Pause keeps a flow from changing anything: it plans, and applies nothing.
type Pause struct {
	Flow  string    `json:"flow"`           // "*" = every flow
	Until time.Time `json:"until,omitzero"` // zero: until somebody resumes it
	Why   string    `json:"why,omitempty"`  // for people
	Auto  bool      `json:"auto,omitempty"` // a safety stop: an approver must resume it
	By    Actor     `json:"by"`             // zero for a safety stop
	At    time.Time `json:"at"`             //
}

// Over tells whether the pause has ended by itself.
func (p Pause) Over(now time.Time) bool { return !p.Until.IsZero() && !now.Before(p.Until) }

// Covers tells whether the pause is of a flow.
func (p Pause) Covers(flow string) bool { return p.Flow == "*" || p.Flow == flow }

// Delegation lends one person's right to approve to another, for a time. Whoever
// stands in votes in the place of the one who lent it: the two together are one
// vote. It cannot be lent on.
type Delegation struct {
	From  string    `json:"from"` // person
	To    string    `json:"to"`   // person
	Flow  string    `json:"flow"` // "*" = every flow that From may approve
	Until time.Time `json:"until"`
	By    Actor     `json:"by"`
	At    time.Time `json:"at"`
}

// Name names the setting that keeps the delegation.
func (d Delegation) Name() string { return d.From + " → " + d.To + " @ " + d.Flow }

// Timing is when a flow runs by itself.
type Timing struct {
	Flow string      `json:"flow"`
	Spec string      `json:"spec"`        // five cron fields in the zone of the configuration; "" = never
	By   Actor       `json:"by,omitzero"` // who set it in the chat; zero: the configuration says so
	At   time.Time   `json:"at,omitzero"`
	Next []time.Time `json:"-"` // the next three times, when asked for
}
