package feishusim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The vendor's card limits. The element cap is the well-known figure, not a
// published one.
const (
	maxElements = 200
	maxTables   = 4
	maxNesting  = 5
)

// cardFacts are what the rest of the tenant needs to know about a card.
type cardFacts struct {
	schema2 bool
	shared  bool // config.update_multi is true; always so in schema 2.0
}

// cardProblem is why a card is refused.
type cardProblem struct {
	code  int // the inner code, shown in the message of 230099
	text  string
	field string
}

func (p *cardProblem) refusal() *refusal {
	return refuse(230099, fmt.Sprintf("Failed to create card content, ext=ErrCode: %d; ErrMsg: %s; ErrorValue: %s", p.code, p.text, p.field))
}

// cardCheck walks one card of schema 2.0.
type cardCheck struct {
	elements int
	tables   int
	charts   int
	ids      map[string]bool
	names    map[string]bool
}

// checkCard judges a card. Schema 1.0 and templates are only looked at for
// their shape: 1.0 ignores what it does not know.
func checkCard(raw []byte) (cardFacts, *cardProblem) {
	var card map[string]any
	if json.Unmarshal(raw, &card) != nil || card == nil {
		return cardFacts{}, &cardProblem{200621, "parse card json err, please check whether the card json is correct", "/"}
	}
	config, _ := card["config"].(map[string]any)
	multi, said := config["update_multi"].(bool)
	if card["type"] == "template" {
		return cardFacts{shared: true}, nil
	}
	if card["schema"] != "2.0" {
		return cardFacts{shared: multi}, checkCard1(card)
	}
	facts := cardFacts{schema2: true, shared: true}
	if said && !multi {
		return facts, &cardProblem{200621, "update_multi can only be true in schema 2.0", "/config/update_multi"}
	}
	check := &cardCheck{ids: map[string]bool{}, names: map[string]bool{}}
	return facts, check.root(card)
}

// checkCard1 judges the shape of a 1.0 card.
func checkCard1(card map[string]any) *cardProblem {
	if card["schema"] != nil && card["schema"] != "1.0" {
		return &cardProblem{200621, "unknown schema", "/schema"}
	}
	elements, list := card["elements"].([]any)
	_, i18n := card["i18n_elements"].(map[string]any)
	if !list && !i18n && card["card_link"] == nil && card["header"] == nil {
		return &cardProblem{200621, "elements is empty", "/elements"}
	}
	for i, e := range elements {
		m, ok := e.(map[string]any)
		if !ok {
			return &cardProblem{200621, "an element is not an object", fmt.Sprintf("/elements/%d", i)}
		}
		if m["tag"] == "button" {
			return &cardProblem{200621, "a button of schema 1.0 must sit in an action module", fmt.Sprintf("/elements/%d", i)}
		}
	}
	return nil
}

// known refuses properties that the level does not have.
func known(m map[string]any, path string, allowed []string) *cardProblem {
	for _, k := range slices.Sorted(mapKeys(m)) {
		if !slices.Contains(allowed, k) {
			return &cardProblem{200621, "parse card json err, unknown property " + k, path + "/" + k}
		}
	}
	return nil
}

func mapKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (k *cardCheck) root(card map[string]any) *cardProblem {
	if p := known(card, "", []string{"schema", "config", "header", "card_link", "body"}); p != nil {
		return p
	}
	parts := []struct {
		name    string
		allowed []string
	}{
		{"config", []string{
			"streaming_mode", "streaming_config", "summary", "locales", "enable_forward", "update_multi",
			"width_mode", "use_custom_translation", "enable_forward_interaction", "style",
		}},
		{"header", []string{"title", "subtitle", "text_tag_list", "i18n_text_tag_list", "template", "icon", "padding"}},
		{"card_link", []string{"url", "android_url", "ios_url", "pc_url"}},
		{"body", []string{"direction", "padding", "horizontal_spacing", "horizontal_align", "vertical_spacing", "vertical_align", "elements"}},
	}
	for _, part := range parts {
		v, present := card[part.name]
		if !present {
			continue
		}
		m, ok := v.(map[string]any)
		if !ok {
			return &cardProblem{200621, part.name + " is not an object", "/" + part.name}
		}
		if p := known(m, "/"+part.name, part.allowed); p != nil {
			return p
		}
	}
	if p := k.head(card); p != nil {
		return p
	}
	body, _ := card["body"].(map[string]any)
	if body == nil {
		return &cardProblem{200621, "body is missing", "/body"}
	}
	return k.list(body, "/body/elements", place{})
}

func (k *cardCheck) head(card map[string]any) *cardProblem {
	if config, ok := card["config"].(map[string]any); ok {
		if mode := config["width_mode"]; mode != nil && !oneOf(mode, "default", "compact", "fill") {
			return &cardProblem{200621, "width_mode is unknown", "/config/width_mode"}
		}
		if summary, ok := config["summary"].(map[string]any); ok {
			if p := known(summary, "/config/summary", []string{"content", "i18n_content"}); p != nil {
				return p
			}
		}
	}
	header, ok := card["header"].(map[string]any)
	if !ok {
		return nil
	}
	if t := header["template"]; t != nil && !oneOf(t, strings.Fields(
		"blue wathet turquoise green yellow orange red carmine violet purple indigo grey default")...) {
		return &cardProblem{200621, "header template is unknown", "/header/template"}
	}
	for _, name := range []string{"title", "subtitle"} {
		if header[name] == nil {
			if name == "title" {
				return &cardProblem{200621, "header title is missing", "/header/title"}
			}
			continue
		}
		if p := textObject(header[name], "/header/"+name); p != nil {
			return p
		}
	}
	return nil
}

// place is where an element stands.
type place struct {
	depth  int
	inForm bool
}

// list walks the elements of a container.
func (k *cardCheck) list(container map[string]any, path string, at place) *cardProblem {
	v, present := container["elements"]
	if !present {
		return nil
	}
	elements, ok := v.([]any)
	if !ok {
		return &cardProblem{200621, "elements is not a list", path}
	}
	if at.depth > maxNesting {
		return &cardProblem{200621, "containers are nested deeper than 5", path}
	}
	for i, e := range elements {
		m, ok := e.(map[string]any)
		if !ok {
			return &cardProblem{200621, "an element is not an object", fmt.Sprintf("%s/%d", path, i)}
		}
		if p := k.element(m, fmt.Sprintf("%s/%d", path, i), at); p != nil {
			return p
		}
	}
	return nil
}

func (k *cardCheck) element(m map[string]any, path string, at place) *cardProblem {
	tag, _ := m["tag"].(string)
	allowed, ok := elementProperties(tag)
	if !ok {
		return &cardProblem{200861, "cards of schema V2 no longer support this capability; unsupported tag " + tag, path + "/tag"}
	}
	if p := known(m, path, append([]string{"tag", "element_id", "margin"}, allowed...)); p != nil {
		return p
	}
	k.elements++
	if k.elements > maxElements {
		return &cardProblem{11310, "element exceeds the limit", path}
	}
	if p := k.identity(m, path); p != nil {
		return p
	}
	if p := k.interactive(m, tag, path, at); p != nil {
		return p
	}
	return k.inside(m, tag, path, at)
}

var elementID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,19}$`)

// identity checks element_id: unique, short, a letter first.
func (k *cardCheck) identity(m map[string]any, path string) *cardProblem {
	v, present := m["element_id"]
	if !present {
		return nil
	}
	id, _ := v.(string)
	if !elementID.MatchString(id) || k.ids[id] {
		return &cardProblem{200621, "element_id is invalid or used twice", path + "/element_id"}
	}
	k.ids[id] = true
	return nil
}

// inside descends into what an element holds.
func (k *cardCheck) inside(m map[string]any, tag, path string, at place) *cardProblem {
	deeper := place{depth: at.depth + 1, inForm: at.inForm}
	switch tag {
	case "markdown":
		if s, ok := m["content"].(string); !ok || s == "" && m["i18n_content"] == nil {
			return &cardProblem{200621, "markdown needs content", path + "/content"}
		}
	case "div":
		if m["text"] != nil {
			return textObject(m["text"], path+"/text")
		}
	case "table":
		k.tables++
		if at.inForm {
			return &cardProblem{200621, "a form cannot hold a table", path}
		}
		if k.tables > maxTables {
			return &cardProblem{11310, "card table number over limit", path}
		}
	case "chart":
		return k.chart(m, path)
	case "form":
		return k.form(m, path, at)
	case "column_set":
		return k.columns(m, path, deeper)
	case "collapsible_panel", "interactive_container":
		return k.list(m, path+"/elements", deeper)
	}
	return nil
}

func (k *cardCheck) columns(m map[string]any, path string, at place) *cardProblem {
	columns, _ := m["columns"].([]any)
	for i, c := range columns {
		column, _ := c.(map[string]any)
		at2 := fmt.Sprintf("%s/columns/%d", path, i)
		if column["tag"] != "column" {
			return &cardProblem{200621, "a column_set holds columns only", at2}
		}
		if p := known(column, at2, []string{
			"tag", "element_id", "margin", "background_style", "width", "weight", "vertical_align",
			"vertical_spacing", "horizontal_align", "horizontal_spacing", "padding", "direction", "elements", "action",
		}); p != nil {
			return p
		}
		k.elements++
		if p := k.list(column, at2+"/elements", at); p != nil {
			return p
		}
	}
	return nil
}

// form checks a form container: at the card's root, named, with a button
// that sends it.
func (k *cardCheck) form(m map[string]any, path string, at place) *cardProblem {
	if at.depth > 0 || at.inForm {
		return &cardProblem{200621, "a form can only stand at the root of the card", path}
	}
	if name, _ := m["name"].(string); name == "" || k.names[name] {
		return &cardProblem{200530, "a form needs a name of its own", path + "/name"}
	}
	k.names[m["name"].(string)] = true
	if p := k.list(m, path+"/elements", place{depth: 1, inForm: true}); p != nil {
		return p
	}
	if !submits(m) {
		return &cardProblem{200621, "a form needs a submit button", path}
	}
	return nil
}

// submits looks for a submit button anywhere below.
func submits(v any) bool {
	switch t := v.(type) {
	case map[string]any:
		if t["tag"] == "button" && t["form_action_type"] == "submit" {
			return true
		}
		for _, child := range t {
			if submits(child) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(t, submits)
	}
	return false
}

func oneOf(v any, allowed ...string) bool {
	s, ok := v.(string)
	return ok && slices.Contains(allowed, s)
}
