// Package connectortest is the suite that every connector passes. A connector's
// own test hands it a Harness: a fresh simulated system, a connector on it, and
// knobs that make the system misbehave.
//
// It knows no vendor. It is not for the wire: how a vendor's answers look is
// tested beside each connector.
package connectortest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// User is a user to be seeded or created, in words that any system knows.
type User struct {
	ID          string         // what the user should be called where ids are ours: [a-z0-9]
	Name        string         //
	Mobile      string         // 11 digits, unique
	Email       string         // unique
	Title       string         //
	Departments []directory.ID // the main one first; empty = under the root
	Disabled    bool           // seeding only
}

// Department is a department to be seeded or created.
type Department struct {
	ID     string       // what it should be called where ids are ours: digits, above 1
	Name   string       //
	Parent directory.ID // "" = under the root
}

// Stored is what the system itself holds of an object, told by the simulator
// and not by the connector.
type Stored struct {
	Name        string
	Active      bool           // of a user
	Departments []directory.ID // of a user, the main one first; empty = under the root
	Parent      directory.ID   // of a department; "" = under the root
}

// HiddenAttribute is an attribute that HidePermission hid.
type HiddenAttribute struct {
	Kind directory.Kind
	Name string
	// Permission is a part of the text that Value.Permission gives.
	Permission string
}

// Refusal is one answer of the vendor and the kind of fault that it must become.
type Refusal struct {
	Name string // the vendor's code
	// Arm makes the answer come: to the next write (the suite creates a user),
	// or, unless Write is set, to every call of a listing.
	Arm   func()
	Write bool
	Kinds []fault.Kind // any of them is right
}

// Harness is one fresh system with a connector on it. The connector's waits must
// take no real time: give it a clock that moves by itself. A knob that is nil
// does not apply to the system, and Without says why; a nil knob without a
// reason fails the suite.
type Harness struct {
	// Connector is under test; it is a connector.Target and a connector.Prober
	// where the system is one.
	Connector connector.Source
	// Page is how many users (and departments, where these are paged) one page of
	// a listing holds; at least 2.
	Page int
	// Depth is the depth of the tree that the suite builds; 0 = 10.
	Depth int
	// Forbidden holds the characters that the system refuses in names.
	Forbidden map[directory.Kind]string
	// Secrets must never show in an error: secrets and tokens.
	Secrets []string
	// AttrName, AttrDepartments and AttrParent are the writable attributes' names;
	// "" = name, departments, parent.
	AttrName, AttrDepartments, AttrParent string
	// Without gives, by knob name, the reason why a knob does not apply.
	Without map[string]string

	// SeedUser and SeedDepartment put an object into the system, not through the
	// connector and without an effect, and give its id as the connector shows it.
	SeedUser       func(User) directory.ID
	SeedDepartment func(Department) directory.ID
	// Stored asks the system for an object.
	Stored func(directory.Key) (Stored, bool)
	// NewUser and NewDepartment give what a plan would write to create one.
	NewUser       func(User) directory.Attributes
	NewDepartment func(Department) directory.Attributes

	// Effects counts the writes that took effect so far; seeding is none.
	Effects func() int
	// Calls counts every request that reached the system so far.
	Calls func() int
	// TokenCalls counts the requests for a token (or the binds, the logins).
	TokenCalls func() int
	// Advance moves the clock of system and connector.
	Advance func(time.Duration)

	// RateLimit has page k (from 1) of the user listing, and what follows it,
	// answered 'slow down' the given number of times; below 0: for ever.
	RateLimit func(page, times int)
	// FailPage has page k of the user listing fail as a broken server does, the
	// given number of times; below 0: for ever.
	FailPage func(page, times int)
	// TruncatePage has page k of the user listing break off in the middle, always.
	TruncatePage func(page int)
	// ExpireToken has the token refused once, at page k of the user listing.
	ExpireToken func(page int)
	// WrongCredentials has the system refuse our credentials from now on.
	WrongCredentials func()
	// Down has the system answer nothing but broken-server errors from now on.
	Down func()
	// HangRead has the next reading call hang until its caller gives up; the
	// channel closes when the call has come.
	HangRead func() <-chan struct{}
	// HangWrite has the next write take effect and then hang until its caller
	// gives up; the channel closes when the effect has happened.
	HangWrite func() <-chan struct{}
	// CutAfterEffect has the next write take effect and its answer lost.
	CutAfterEffect func()
	// CutBeforeEffect has the next write's connection cut before any effect.
	CutBeforeEffect func()
	// LimitWrite has the next write refused with 'slow down', without effect.
	LimitWrite func()
	// HidePermission takes a permission away and tells what that hides. At least
	// one user and one department are seeded before.
	HidePermission func() []HiddenAttribute
	// HideObject leaves an object where it is, out of our sight.
	HideObject func(directory.Key)
	// Refusals is the vendor's table of answers.
	Refusals []Refusal
}

// missing lists the knobs that are nil, by name.
func (h *Harness) missing() []string {
	var names []string
	v := reflect.ValueOf(*h)
	for i := range v.NumField() {
		f := v.Field(i)
		knob := f.Kind() == reflect.Func || v.Type().Field(i).Name == "Refusals"
		if knob && f.IsNil() {
			names = append(names, v.Type().Field(i).Name)
		}
	}
	return names
}

// check fails the test for a harness that says too little.
func (h *Harness) check(t *testing.T) {
	t.Helper()
	if h.Connector == nil || h.Page < 2 {
		t.Fatal("a harness needs a Connector and a Page of at least 2")
	}
	missing := h.missing()
	for _, name := range missing {
		if h.Without[name] == "" {
			t.Errorf("knob %s is nil and Without does not say why", name)
			continue
		}
		t.Logf("NOT APPLICABLE: %s: %s", name, h.Without[name])
	}
	for name := range h.Without {
		if !slices.Contains(missing, name) {
			t.Errorf("Without names %s, which is no missing knob", name)
		}
	}
}

// need skips a case whose knobs do not apply.
func (h *Harness) need(t *testing.T, knobs ...string) {
	t.Helper()
	var lacking []string
	for _, name := range h.missing() {
		if slices.Contains(knobs, name) {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		t.Skipf("NOT APPLICABLE: no %s", strings.Join(lacking, ", "))
	}
}

// target gives the connector as a target, or skips the case.
func (h *Harness) target(t *testing.T) connector.Target {
	t.Helper()
	target, ok := h.Connector.(connector.Target)
	if !ok {
		t.Skip("NOT APPLICABLE: the system is a source only")
	}
	return target
}

func (h *Harness) depth() int {
	if h.Depth == 0 {
		return 10
	}
	return h.Depth
}

func or(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

func (h *Harness) attrName() string        { return or(h.AttrName, directory.AttrName) }
func (h *Harness) attrDepartments() string { return or(h.AttrDepartments, directory.AttrDepartments) }
func (h *Harness) attrParent() string      { return or(h.AttrParent, directory.AttrParent) }
