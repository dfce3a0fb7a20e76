package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcallhq/rollcall/configs"
)

// TestUses checks what makes the DingTalk connector read managers and the details
// of departments, which cost a call for each.
func TestUses(t *testing.T) {
	t.Parallel()
	rule := filepath.Join(t.TempDir(), "rule.js")
	if err := os.WriteFile(rule, []byte("if (context.data.manager) {}\nreturn context"), 0o600); err != nil {
		t.Fatal(err)
	}
	mapping := func(name, from, value string) configs.Table[configs.Mapping] {
		return configs.Table[configs.Mapping]{{Name: name, From: from, Value: value}}
	}
	for name, c := range map[string]struct {
		flow              configs.Flow
		managers, details bool
	}{
		"nothing":                   {configs.Flow{From: "hr", To: "ding", Users: configs.Users{Map: mapping("name", "manager", "")}}, false, false},
		"written":                   {configs.Flow{From: "hr", To: "ding", Users: configs.Users{Map: mapping("manager", "boss", "")}}, true, false},
		"of another system":         {configs.Flow{From: "hr", To: "ldap", Users: configs.Users{Map: mapping("manager", "manager", "")}}, false, false},
		"read":                      {configs.Flow{From: "ding", To: "ldap", Users: configs.Users{Map: mapping("boss", "manager", "")}}, true, false},
		"in a template":             {configs.Flow{From: "ding", To: "ldap", Users: configs.Users{Map: mapping("boss", "", "{{ .manager }}")}}, true, false},
		"in a rule":                 {configs.Flow{From: "ding", To: "ldap", Users: configs.Users{Rule: rule}}, true, false},
		"in the scope":              {configs.Flow{From: "ding", To: "ldap", Users: configs.Users{Scope: configs.Scope{Only: configs.Conditions{{Name: "manager"}}}}}, true, false},
		"out of the scope":          {configs.Flow{From: "ding", To: "ldap", Users: configs.Users{Scope: configs.Scope{Not: configs.Conditions{{Name: "manager"}}}}}, true, false},
		"of leavers":                {configs.Flow{From: "ding", To: "ldap", Leavers: configs.Leavers{When: configs.Conditions{{Name: "manager"}}}}, true, false},
		"the target's scope":        {configs.Flow{From: "hr", To: "ding", Users: configs.Users{Scope: configs.Scope{Only: configs.Conditions{{Name: "manager"}}}}}, false, false},
		"code written":              {configs.Flow{From: "hr", To: "ding", Departments: &configs.Departments{Map: mapping("code", "no", "")}}, false, true},
		"matched by the identifier": {configs.Flow{From: "hr", To: "ding", Departments: &configs.Departments{Match: configs.Strings{"source_identifier"}}}, false, true},
		"order read":                {configs.Flow{From: "ding", To: "ldap", Departments: &configs.Departments{Map: mapping("rank", "order", "")}}, false, true},
	} {
		a := &app{cfg: &configs.Config{Flows: configs.Table[configs.Flow]{c.flow}}}
		if got := a.uses("ding", "manager"); got != c.managers {
			t.Errorf("%s: managers are read: %v", name, got)
		}
		if got := a.usesOfDepartments("ding", "order", "source_identifier", "code"); got != c.details {
			t.Errorf("%s: details are read: %v", name, got)
		}
	}
}
