package rosterfile

import (
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Limits of a department path.
const (
	maxDepth = 64
	maxPath  = 1024 // bytes
)

// Signs in a cell of departments: between two of them, and between two names of
// one path.
const (
	betweenPaths = ";；\n"
	betweenNames = `/／>＞\＼`
)

// pathStyle is how departments are written in one file.
type pathStyle struct {
	template Template
	root     string // the company's name, dropped where a path begins with it
}

// read gives the departments of a person, the main one first:
// "/总部/研发部; 总部>市场部". Each is given as its path from the top. Names stay
// as they are written. In a vendor's template a comma divides departments as
// well, and in DingTalk's a hyphen divides names; elsewhere both are parts of
// names.
func (p pathStyle) read(s, separator string) ([]directory.ID, *trouble) {
	between, names := betweenPaths, betweenNames
	if p.template != NoTemplate {
		between += ",，"
	}
	if p.template == DingTalkTemplate {
		names += "-"
	}
	var parts []string
	if separator != "" {
		parts = strings.Split(s, separator)
	} else {
		parts = strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(between, r) })
	}
	var paths []directory.ID
	for _, part := range parts {
		var b strings.Builder
		depth := 0
		for i, name := range strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(names, r) }) {
			if name = clean(name); name == "" || i == 0 && p.root != "" && plain(name) == p.root {
				continue
			}
			b.WriteString("/" + name)
			depth++
		}
		if depth > maxDepth || b.Len() > maxPath {
			return nil, &trouble{en: "a department path this long is no path", zh: "部门路径太长，不像路径"}
		}
		if id := directory.ID(b.String()); id != "" && !slices.Contains(paths, id) {
			paths = append(paths, id)
		}
	}
	return paths, nil
}

// write gives the cell of departments, as read understands it.
func (p pathStyle) write(v directory.Value, separator string) string {
	if separator == "" {
		separator = ";"
	}
	var parts []string
	for _, ref := range v.Refs() {
		path := string(ref.ID)
		if p.root != "" {
			path = p.root + path
		}
		if p.template == DingTalkTemplate {
			path = strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-")
		}
		parts = append(parts, path)
	}
	return strings.Join(parts, separator)
}

// parentOf gives the path above a department's, "" at the top.
func parentOf(id directory.ID) directory.ID {
	return id[:strings.LastIndexByte(string(id), '/')]
}
