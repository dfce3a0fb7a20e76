package bot

import "github.com/rollcallhq/rollcall/sync/run"

// Card is one answer, before any platform draws it. Every text in it is data:
// renderers escape it, so that a person's name can never forge a mention, a
// link or a line.
type Card struct {
	Title    string    `json:"title"` // alone tells kind, code, destructive counts and state
	Tone     Tone      `json:"tone"`
	Sections []Section `json:"sections,omitempty"`
	Buttons  []Button  `json:"buttons,omitempty"`
	Foot     string    `json:"foot,omitempty"` // small print: code and fingerprint
	// Plain: a short answer that is better shown as text than as a card.
	Plain bool `json:"plain,omitempty"`
}

// Tone is the colour of a card. It never says anything that the words do not.
type Tone string

// The tones.
const (
	Info   Tone = "info"   // running, neutral
	Waits  Tone = "waits"  // a vote is asked
	Danger Tone = "danger" // blocked, failed, or a vote on more than a few deletions
	Good   Tone = "good"   // succeeded
	Warn   Tone = "warn"   // partial, refused
	Quiet  Tone = "quiet"  // over: superseded, expired, cancelled
)

// Section is a titled group of lines.
type Section struct {
	Title  string `json:"title,omitempty"`
	Lines  []Line `json:"lines"`
	Folded bool   `json:"folded,omitempty"` // may be shown collapsed
	Bullet bool   `json:"bullet,omitempty"` // each line is an item of a list
	// Short is shown instead of Title and Lines where nothing can be folded: one
	// line that counts them and names the command that shows them. None: a folded
	// section is shown whole there.
	Short Line `json:"short,omitempty"`
	// Chart is shown instead of Lines where charts can be drawn.
	Chart *Chart `json:"chart,omitempty"`
}

// Chart is one bar for each point, stacked by series.
type Chart struct {
	Title  string  `json:"title"`
	Points []Point `json:"points"` // in the order of the axis
}

// Point is one value of a chart.
type Point struct {
	At     string `json:"at"`     // label on the axis: "11-25"
	Series string `json:"series"` // "joined"
	Value  int    `json:"value"`
}

// File is a file that goes with a message. Its content is made when it is sent.
type File struct {
	Name string   `json:"name"`           // with its ending: "7K3MQ2.csv"
	Run  run.Code `json:"run"`            // the plan that it lists
	Kind string   `json:"kind,omitempty"` // see Command.Kind; "" = all
	Data []byte   `json:"-"`              // set before Platform.Send
}

// Line is one line of a section: spans in a row. It holds no newline.
type Line []Span

// Span is a piece of a line.
type Span struct {
	Text string `json:"text"`
	Bold bool   `json:"bold,omitempty"`
	Code bool   `json:"code,omitempty"` // a command or code to copy
}

// Button is a typed command in disguise: pressing it does exactly what sending
// Command does.
type Button struct {
	Label   string `json:"label"`
	Command string `json:"command"`
	// Digest is the plan that the card shows; a press after the plan changed is
	// refused.
	Digest  string  `json:"digest,omitempty"`
	Style   Style   `json:"style,omitempty"`
	Confirm string  `json:"confirm,omitempty"` // asked before the press counts, where the platform can
	Inputs  []Input `json:"inputs,omitempty"`  // values that are appended to Command as name=value
}

// Style is how a button looks.
type Style string

// The styles.
const (
	Primary   Style = "primary"
	Dangerous Style = "danger"
	Ordinary  Style = ""
)

// Input is a field beside a button.
type Input struct {
	Name     string `json:"name"` // option name in the command's language: 删除, delete
	Label    string `json:"label"`
	Required bool   `json:"required,omitempty"`
}

// Outgoing is one card on its way to one place: the payload of an outbox
// letter.
type Outgoing struct {
	Platform run.Platform `json:"platform"`
	Chat     string       `json:"chat"`
	ReplyTo  string       `json:"reply_to,omitempty"` // message to answer in its thread; "" = speak to the room
	Session  Session      `json:"session,omitzero"`
	Robot    string       `json:"robot,omitempty"`    // name of a signed group webhook that speaks instead of the app
	Fallback string       `json:"fallback,omitempty"` // name of the webhook that may speak when the app cannot
	Lang     Lang         `json:"lang"`
	// To is the account of a person to write to alone, instead of Chat. Asked is
	// the chat where that person asked for it, which hears when it cannot come.
	To      string   `json:"to,omitempty"`
	Asked   string   `json:"asked,omitempty"`
	File    *File    `json:"file,omitempty"`
	Card    Card     `json:"card"`
	Mention []string `json:"mention,omitempty"` // account ids on the platform, to be called by name
	// Live names the card that is edited in place: "card:7K3MQ2:oc_ops". "" = a
	// message of its own. Version is the run's: an older drawing never replaces
	// a newer one.
	Live    string `json:"live,omitempty"`
	Version int64  `json:"version,omitempty"`
	// Asks is the run that waits for a vote when this asks for one: it must reach
	// somebody. Answer: it answers what a person said. Ordinary: it may wait for the
	// digest while the room wants quiet, or the robot's quota is used up.
	Asks     run.Code `json:"asks,omitempty"`
	Answer   bool     `json:"answer,omitempty"`
	Ordinary bool     `json:"ordinary,omitempty"`
}

// Lang is a language of the rooms.
type Lang string

// The languages.
const (
	ZH Lang = "zh-CN"
	EN Lang = "en"
)
