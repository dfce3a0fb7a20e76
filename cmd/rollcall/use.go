package main

import (
	"maps"
	"regexp"
	"slices"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// fieldOf finds the attributes that a mapping's template looks at: {{ .name }} and
// {{ index . "a name" }}.
var fieldOf = regexp.MustCompile(`\{\{[^}]*?\}\}`)

var fieldName = regexp.MustCompile(`\.([\p{L}_][\p{L}\p{N}_]*)|index \. "([^"]+)"`)

// templateFields gives the attributes that a template looks at.
func templateFields(text string) []string {
	var names []string
	for _, action := range fieldOf.FindAllString(text, -1) {
		for _, m := range fieldName.FindAllStringSubmatch(action, -1) {
			names = append(names, m[1]+m[2])
		}
	}
	return names
}

// usage collects what flows ask of one system.
type usage struct {
	source, target bool
	read, write    map[connector.Named]bool
	match          map[connector.Named]bool
}

// systemUse gives what the flows ask of a system.
func systemUse(cfg *configs.Config, system string) connector.Use {
	u := usage{read: map[connector.Named]bool{}, write: map[connector.Named]bool{}, match: map[connector.Named]bool{}}
	for i := range cfg.Flows {
		f := &cfg.Flows[i]
		if f.From == system {
			u.source = true
			u.from(f)
		}
		if f.To == system {
			u.target = true
			u.to(f)
		}
	}
	return connector.Use{Source: u.source, Target: u.target, Read: sortedNamed(u.read), Write: sortedNamed(u.write), Match: sortedNamed(u.match)}
}

func sortedNamed(set map[connector.Named]bool) []connector.Named {
	return slices.SortedFunc(maps.Keys(set), func(a, b connector.Named) int {
		switch {
		case a.Kind != b.Kind && a.Kind == directory.User, a.Kind == b.Kind && a.Name < b.Name:
			return -1
		case a == b:
			return 0
		default:
			return 1
		}
	})
}

// reads gives the attributes that a flow's table of mappings looks at.
func reads(table configs.Table[configs.Mapping]) []string {
	var names []string
	for i := range table {
		if m := &table[i]; m.From != "" {
			names = append(names, m.From)
		} else {
			names = append(names, templateFields(m.Value)...)
		}
	}
	return names
}

// asked are the attributes of a source that a flow names, with where it names
// them.
type asked struct {
	connector.Named
	where string // the key below flows.NAME
	match bool
}

// sourceNames lists what a flow asks of its source.
func sourceNames(f *configs.Flow) []asked {
	var all []asked
	add := func(kind directory.Kind, where string, match bool, names ...string) {
		for _, n := range names {
			all = append(all, asked{connector.Named{Kind: kind, Name: n}, where, match})
		}
	}
	add(directory.User, "users.match", true, f.Users.Match...)
	add(directory.User, "users.map", false, reads(f.Users.Map)...)
	add(directory.User, "users.scope.only", false, conditionNames(f.Users.Scope.Only)...)
	add(directory.User, "users.scope.not", false, conditionNames(f.Users.Scope.Not)...)
	add(directory.User, "leavers.when", false, conditionNames(f.Leavers.When)...)
	if len(f.Users.Scope.Department) > 0 {
		add(directory.User, "users.scope.department", false, directory.AttrDepartments)
	}
	if f.Departments != nil {
		add(directory.Department, "departments.match", true, f.Departments.Match...)
		add(directory.Department, "departments.map", false, reads(f.Departments.Map)...)
	}
	return all
}

func conditionNames(all configs.Conditions) []string {
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	return names
}

// targetNames lists what a flow asks of its target: what it writes, and what it
// finds people by.
func targetNames(f *configs.Flow) (written, matched []asked) {
	table := func(kind directory.Kind, where string, keys []string, m configs.Table[configs.Mapping]) {
		for i := range m {
			written = append(written, asked{connector.Named{Kind: kind, Name: m[i].Name}, where + ".map", false})
		}
		for _, key := range keys {
			name := key // the counterpart: what is mapped from it, else the same name
			if i := slices.IndexFunc(m, func(one configs.Mapping) bool { return one.From == key }); i >= 0 {
				name = m[i].Name
			}
			matched = append(matched, asked{connector.Named{Kind: kind, Name: name}, where + ".match", true})
		}
	}
	table(directory.User, "users", f.Users.Match, f.Users.Map)
	if f.Departments != nil {
		table(directory.Department, "departments", f.Departments.Match, f.Departments.Map)
	}
	return written, matched
}

func (u *usage) from(f *configs.Flow) {
	for _, a := range sourceNames(f) {
		if everywhere(a.Named) {
			continue
		}
		u.read[a.Named] = true
		if a.match {
			u.match[a.Named] = true
		}
	}
}

func (u *usage) to(f *configs.Flow) {
	written, matched := targetNames(f)
	for _, a := range written {
		u.write[a.Named] = true
	}
	for _, a := range matched {
		if !everywhere(a.Named) {
			u.read[a.Named], u.match[a.Named] = true, true
		}
	}
}

// everywhere are what every system's objects have, derived where it does not tell
// them itself.
func everywhere(n connector.Named) bool {
	if n.Kind == directory.Department {
		return n.Name == directory.AttrPath || n.Name == directory.AttrActive
	}
	return slices.Contains([]string{directory.AttrActive, directory.AttrDepartmentPath, directory.AttrDepartmentPaths}, n.Name)
}
