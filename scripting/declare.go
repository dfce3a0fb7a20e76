package scripting

import (
	_ "embed"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

//go:embed rollcall.d.ts
var declarations string

// Declarations gives a TypeScript declaration file, for editors, of what a rule may
// use: one that judges a kind, with the source's declared attributes. Nothing is
// known of a kind without any, so it has all names.
func Declarations(kind directory.Kind, declared map[directory.Kind]map[string]directory.Type) string {
	data := "RollcallUser"
	if kind == directory.Department {
		data = "RollcallDepartment"
	}
	return strings.NewReplacer(
		"/*user*/", members(declared[directory.User]),
		"/*department*/", members(declared[directory.Department]),
		"/*data*/", data,
		"rollcall.user.d.ts", DeclarationsName(kind),
	).Replace(declarations)
}

// DeclarationsName gives the name of the file that a rule of a kind refers to.
func DeclarationsName(kind directory.Kind) string { return "rollcall." + string(kind) + ".d.ts" }

// plainName is a name that needs no quotes in TypeScript, whatever the engine's idea
// of letters.
var plainName = regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$]*$`)

// members declares the attributes of one kind, in the order of their names.
func members(types map[string]directory.Type) string {
	if len(types) == 0 {
		return "  [name: string]: any;\n"
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(types)) {
		key := name
		if !plainName.MatchString(name) {
			quoted, err := json.Marshal(name)
			if err != nil {
				continue // no text fails to be JSON
			}
			key = string(quoted)
		}
		b.WriteString("  " + key + ": " + scriptType(name, types[name]) + ";\n")
	}
	return b.String()
}

// scriptType gives the TypeScript type of an attribute, the empty value included.
func scriptType(name string, t directory.Type) string {
	switch t {
	case directory.Text:
		return "string"
	case directory.Int:
		return "number | undefined"
	case directory.Bool:
		return "boolean | undefined"
	case directory.Date:
		return "RollcallDate"
	case directory.List:
		return "string[]"
	case directory.Refs:
		if single(name) {
			return "string"
		}
		return "string[]"
	default:
		return "any"
	}
}
