package scripting

import (
	"embed"
	"fmt"

	"github.com/rollcallhq/rollcall/sync/directory"
)

//go:embed starter
var starters embed.FS

// Starter is a rule to begin with, and its tests. It decides nothing.
type Starter struct{ Rule, Test []byte }

// StarterOf gives the starter for a kind in a language, "en" or else Chinese.
func StarterOf(kind directory.Kind, lang string) Starter {
	if lang != "en" {
		lang = "zh"
	}
	read := func(end string) []byte {
		b, err := starters.ReadFile("starter/" + string(kind) + "." + lang + end)
		if err != nil {
			panic(fmt.Sprintf("scripting: read starter: %v", err)) // it is part of the binary
		}
		return b
	}
	return Starter{Rule: read(".js"), Test: read(".test.yaml")}
}
