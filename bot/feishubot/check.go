package feishubot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// properties are what each element of our cards may have. Card JSON 2.0 refuses
// a card with any other; an element that is not here is not drawn by us. Source:
// the vendor's pages of the components of card JSON 2.0.
func properties(tag string) (known []string, ok bool) {
	words, ok := map[string]string{
		"markdown":          "content",
		"div":               "text",
		"plain_text":        "content text_size text_color",
		"column_set":        "flex_mode horizontal_spacing columns",
		"column":            "width elements",
		"collapsible_panel": "expanded header elements",
		"form":              "name elements",
		"input":             "name input_type required label label_position placeholder",
		"button":            "text type name behaviors form_action_type confirm",
		"chart":             "chart_spec aspect_ratio",
	}[tag]
	return strings.Fields(words), ok
}

// check is the last look at a card before it goes out: no more elements than we
// allow, only known ones with known properties, and no text of more lines than are
// to be seen at once. A card that fails is too large, or a mistake of ours; it is
// said in words instead.
func check(card node) error {
	if n := count(card); n > cardElements {
		return fmt.Errorf("card has %d elements", n)
	}
	body, _ := card["body"].(node)
	elements, _ := body["elements"].([]node)
	if len(elements) == 0 {
		return errors.New("card has no elements")
	}
	return checkList(elements, false)
}

func checkList(elements []node, folded bool) error {
	for _, e := range elements {
		if err := checkElement(e, folded); err != nil {
			return err
		}
	}
	return nil
}

func checkElement(e node, folded bool) error {
	tag, _ := e["tag"].(string)
	known, ok := properties(tag)
	if !ok {
		return fmt.Errorf("unknown element %q", tag)
	}
	for name, v := range e {
		if name != "tag" && !slices.Contains(known, name) {
			return fmt.Errorf("unknown property %q of %s", name, tag)
		}
		if text, isText := v.(node); isText && text["tag"] != nil {
			if err := checkElement(text, folded); err != nil {
				return err
			}
		}
	}
	if text, _ := e["content"].(string); !folded && strings.Count(text, "\n") >= rowLimit {
		return fmt.Errorf("%s has more than %d lines", tag, rowLimit)
	}
	for _, name := range []string{"elements", "columns"} {
		if inner, _ := e[name].([]node); inner != nil {
			if err := checkList(inner, folded || tag == "collapsible_panel"); err != nil {
				return err
			}
		}
	}
	return nil
}
