package main

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/dingtalk"
)

// dingtalkSource connects to the contacts of a DingTalk corp. What costs a call
// for each person or department is read only where a flow has a use for it.
func (a *app) dingtalkSource(sys *configs.System) (connector.Source, error) {
	d := sys.DingTalk
	return dingtalk.New(dingtalk.Options{
		ClientID: d.ClientID, ClientSecret: d.ClientSecret.Reveal(), APIURL: d.APIURL, OAPIURL: d.OAPIURL, Token: d.Token,
		CustomAttributes: d.CustomAttributes, Disable: d.Disable, Quarantine: d.Quarantine,
		Managers:          a.uses(sys.Name, "manager"),
		DepartmentDetails: a.usesOfDepartments(sys.Name, "order", "source_identifier", "code"),
		Zone:              a.cfg.Location(), CallTimeout: a.cfg.Timing.Call.Std(),
		HTTPClient: a.client(sys.Name, d.APIURL, d.OAPIURL), Now: a.p.now, Logger: a.log.With("system", sys.Name), Pace: a.pacer(sys.Name),
	})
}

// uses tells whether a flow writes an attribute of a system's users, reads it, goes
// by it in its scope, or has a rule that names it.
func (a *app) uses(system, attribute string) bool {
	for i := range a.cfg.Flows {
		f := &a.cfg.Flows[i]
		if f.To == system && writes(f.Users.Map, attribute) {
			return true
		}
		if f.From != system {
			continue
		}
		by := slices.Concat(f.Users.Scope.Only, f.Users.Scope.Not, f.Leavers.When)
		conditional := slices.ContainsFunc(by, func(c configs.Condition) bool { return c.Name == attribute })
		if conditional || names(f.Users.Match, f.Users.Map, attribute) || a.ruleNames(f.Users.Rule, attribute) {
			return true
		}
	}
	return false
}

// usesOfDepartments is uses for any of some attributes of departments, which are
// matched on both sides.
func (a *app) usesOfDepartments(system string, attributes ...string) bool {
	for i := range a.cfg.Flows {
		f := &a.cfg.Flows[i]
		d := f.Departments
		if d == nil || f.To != system && f.From != system {
			continue
		}
		for _, attribute := range attributes {
			to := f.To == system && (writes(d.Map, attribute) || names(d.Match, nil, attribute))
			from := f.From == system && (names(d.Match, d.Map, attribute) || a.ruleNames(d.Rule, attribute))
			if to || from {
				return true
			}
		}
	}
	return false
}

func writes(table configs.Table[configs.Mapping], attribute string) bool {
	for _, m := range table {
		if m.Name == attribute {
			return true
		}
	}
	return false
}

// names tells whether match keys or a mapping read a source attribute.
func names(match configs.Strings, table configs.Table[configs.Mapping], attribute string) bool {
	if slices.Contains(match, attribute) {
		return true
	}
	for _, m := range table {
		if m.From == attribute || strings.Contains(m.Value, attribute) {
			return true
		}
	}
	return false
}

// ruleNames tells whether a rule's text has an attribute's name. A file that
// cannot be read is said where the flow is opened.
func (a *app) ruleNames(path, attribute string) bool {
	rule, err := a.ruleFile(path)
	return err == nil && strings.Contains(string(rule.Source), attribute)
}
