package configs

import (
	"reflect"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// Flow is a direction: accounts of one system follow those of another.
type Flow struct {
	// Name is the key under flows; commands name it.
	Name string `yaml:"-"`
	// Place is where the name stands in the file.
	Place Place `yaml:"-"`
	// From and To are names of systems: source and target.
	From string `yaml:"from" jsonschema:"required"`
	To   string `yaml:"to" jsonschema:"required"`
	// Departments says how departments follow. Nil: they are left alone.
	Departments *Departments `yaml:"departments"`
	// Users says how users follow.
	Users Users `yaml:"users" jsonschema:"required"`
	// Adopt says how a first match by key becomes ours: vote (default) or
	// automatic.
	Adopt string `yaml:"adopt" jsonschema:"enum=vote,enum=automatic,default=vote"`
	// Leavers says who has left and what happens then.
	Leavers Leavers `yaml:"leavers"`
	// Guard holds the limits of one plan.
	Guard Guard `yaml:"guard"`
	// Protect names accounts that are never disabled or deleted.
	Protect Protect `yaml:"protect"`
	// Approve says what needs votes.
	Approve Approve `yaml:"approve"`
	// Schedule is a cron line of five fields, in the zone of the
	// configuration. Empty: by command only.
	Schedule string `yaml:"schedule"`
	// OnChange starts a small run so long after the source said that something
	// changed, 1s to 1h; further changes in that time go with it. 0 (default): the
	// schedule alone.
	OnChange Duration `yaml:"on_change"`
	// Rooms are names of the rooms that hear of the flow's runs and vote.
	Rooms Strings `yaml:"rooms"`
	// Paused flows plan but apply nothing. Default false.
	Paused bool `yaml:"paused"`
}

// Departments says how departments follow.
type Departments struct {
	// Match are keys that find the target of a source, in order. Default path.
	Match Strings `yaml:"match"`
	// Map gives the value of each target attribute, in the order of the file.
	Map Table[Mapping] `yaml:"map" jsonschema:"required"`
	// Gone is keep (default) or delete: what happens to a department that
	// vanished; delete only when it is empty, and with a vote.
	Gone string `yaml:"gone" jsonschema:"enum=keep,enum=delete,default=keep"`
	// Rule is the file of the rule that judges departments, as written: see
	// Config.Resolve. Empty: none.
	Rule string `yaml:"rule"`
}

func (d *Departments) setDefaults() { d.Match = Strings{"path"} }

// Users says how users follow.
type Users struct {
	// Scope says which users of the source take part.
	Scope Scope `yaml:"scope"`
	// Match are keys that find the target of a source, in order.
	Match Strings `yaml:"match" jsonschema:"required"`
	// Map gives the value of each target attribute, in the order of the file.
	Map Table[Mapping] `yaml:"map" jsonschema:"required"`
	// Rule is the file of the rule that judges users, as written: see
	// Config.Resolve. Empty: none.
	Rule string `yaml:"rule"`
}

// Scope says which users of the source take part.
type Scope struct {
	// Department are paths such as /总部; each stands for everything below it.
	// Empty: all departments.
	Department Strings `yaml:"department"`
	// Only keeps users with all of these. Empty: everybody.
	Only Conditions `yaml:"only"`
	// Not drops users with any of these. Empty: nobody.
	Not Conditions `yaml:"not"`
}

// Mapping gives the value of one target attribute: From, or Value.
type Mapping struct {
	// Name is the target attribute.
	Name string `yaml:"-"`
	// Place is where the attribute stands in the file.
	Place Place `yaml:"-"`
	// From is the source attribute. `name: title` is short for it.
	From string
	// Default is the value when the source attribute is empty. Nil: none.
	Default *string
	// Value is a text/template over the source attributes, as {{ .name }}.
	Value string
}

// mappingBody is the long form of a Mapping.
type mappingBody struct {
	From    string  `yaml:"from"`
	Default *string `yaml:"default"`
	Value   string  `yaml:"value"`
}

// decode reads the short or the long form.
func (m *Mapping) decode(d *decoder, n ast.Node, at spot) {
	if _, scalar := plainScalar(n); scalar {
		if text, ok := d.text(n, at); ok {
			m.From = text
		}
		return
	}
	list, ok := d.entries(n, at)
	if !ok {
		return
	}
	var body mappingBody
	before := len(d.found)
	d.fields(list, reflect.ValueOf(&body).Elem(), at)
	m.From, m.Default, m.Value = body.From, body.Default, body.Value
	if len(d.found) > before {
		return
	}
	switch {
	case (m.From == "") == (m.Value == ""):
		d.bad(at, say("from 和 value 要写一个，而且只能写一个", "write one of from and value, and not both"))
	case m.Default != nil && m.From == "":
		d.bad(at, say("default 只能和 from 一起用", "default goes with from only"))
	}
}

// Leavers says who has left and what happens then.
type Leavers struct {
	// When are attributes that say so, for rosters that keep such rows.
	When Conditions `yaml:"when"`
	// OutOfScope is keep (default: reported, untouched) or leave.
	OutOfScope string `yaml:"out_of_scope" jsonschema:"enum=keep,enum=leave,default=keep"`
	// First is disable (default) or delete.
	First string `yaml:"first" jsonschema:"enum=disable,enum=delete,default=disable"`
	// Then is keep (default: the account stays disabled) or delete.
	Then string `yaml:"then" jsonschema:"enum=keep,enum=delete,default=keep"`
	// After is the time from the applied DISABLE to Then. Default 30d.
	After Duration `yaml:"after" jsonschema:"default=30d"`
}

// Guard holds the limits of one plan and what was applied in the 24 hours
// before it. 0 allows nothing.
type Guard struct {
	// MaxDelete is a count of DISABLE and DELETE, from 0 to 200. Default 20.
	MaxDelete int `yaml:"max_delete" jsonschema:"default=20,minimum=0,maximum=200"`
	// MaxDeletePercent is of the linked accounts. Default 5.
	MaxDeletePercent Percent `yaml:"max_delete_percent" jsonschema:"default=5,minimum=0,maximum=100"`
	// MaxDeletePercentPerDepartment is of one department's. Default 50.
	MaxDeletePercentPerDepartment Percent `yaml:"max_delete_percent_per_department" jsonschema:"default=50,minimum=0,maximum=100"`
	// MaxShrinkPercent is how much smaller the source may be than last time.
	// Default 10.
	MaxShrinkPercent Percent `yaml:"max_shrink_percent" jsonschema:"default=10,minimum=0,maximum=100"`
	// MaxChangePercent is of accounts that change at all. Default 30.
	MaxChangePercent Percent `yaml:"max_change_percent" jsonschema:"default=30,minimum=0,maximum=100"`
	// MaxRuleErrorPercent is of the objects that the rules judge: when they fail on
	// more, the plan is blocked. Default 5.
	MaxRuleErrorPercent Percent `yaml:"max_rule_error_percent" jsonschema:"default=5,minimum=0,maximum=100"`
}

// Protect names accounts that are never disabled or deleted.
type Protect struct {
	// Attributes: an account with one of these values is protected.
	Attributes Conditions
	// Departments are paths; each stands for everything below it.
	Departments Strings
}

// decode reads attribute lists beside the key departments.
func (p *Protect) decode(d *decoder, n ast.Node, at spot) {
	list, ok := d.entries(n, at)
	if !ok {
		return
	}
	for _, e := range list {
		here := d.spot(at, e)
		switch {
		case empty(e.value):
			d.bad(here, say("是空的；谁也没有受到保护。请填上，或者删掉", "is empty and protects nobody; fill it in or remove it"))
		case e.key == "departments":
			p.Departments.decode(d, e.value, here)
		default:
			one := Condition{Name: e.key, Place: e.keyPlace}
			one.decode(d, e.value, here)
			p.Attributes = append(p.Attributes, one)
		}
	}
}

// Approve says what needs votes. The tiers stand in the design and cannot be
// loosened here.
type Approve struct {
	// Delete is always: every DELETE needs a vote.
	Delete string `yaml:"delete" jsonschema:"enum=always,default=always"`
	// DisableOver is the count of DISABLE that needs no vote, from 0 to 20.
	// Default 5.
	DisableOver int `yaml:"disable_over" jsonschema:"default=5,minimum=0,maximum=20"`
	// Expires is how long an approval waits, from 10m to 72h. Default 8h.
	Expires Duration `yaml:"expires" jsonschema:"default=8h"`
	// ApplySafeChangesFirst lets harmless changes not wait for the votes.
	// Default true.
	ApplySafeChangesFirst bool `yaml:"apply_safe_changes_first" jsonschema:"default=true"`
}

// The limits of Approve.Expires.
const (
	minExpires = Duration(10 * time.Minute)
	maxExpires = Duration(72 * time.Hour)
)

// deletes tells whether the flow, without its rules, can ever delete.
func (f *Flow) deletes() bool {
	return f.Leavers.First == "delete" || f.Leavers.Then == "delete" || f.Departments != nil && f.Departments.Gone == "delete"
}

var (
	_ defaulter = (*Departments)(nil)
	_ decodable = (*Mapping)(nil)
	_ decodable = (*Protect)(nil)
)
