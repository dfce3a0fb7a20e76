package feishusim

import (
	"slices"
	"strings"
)

// elementProperties gives the properties of a schema 2.0 element beside tag,
// element_id and margin, and whether the tag exists at all.
func elementProperties(tag string) ([]string, bool) {
	words, ok := map[string]string{
		"markdown":          "content i18n_content text_align text_size icon",
		"div":               "text icon width",
		"hr":                "",
		"img":               "img_key alt title corner_radius scale_type size transparent preview mode custom_width compact_width",
		"img_combination":   "img_list combination_mode combination_transparent corner_radius",
		"person":            "user_id size show_avatar show_name style",
		"person_list":       "persons size show_avatar show_name lines drop_invalid_user_id icon",
		"chart":             "chart_spec aspect_ratio color_theme height preview",
		"table":             "page_size row_height row_max_height freeze_first_column header_style columns rows",
		"column_set":        "flex_mode background_style horizontal_spacing horizontal_align vertical_spacing columns action",
		"collapsible_panel": "expanded background_color header border elements direction padding vertical_spacing vertical_align horizontal_spacing horizontal_align",
		"interactive_container": "width height direction background_style has_border border_color corner_radius padding behaviors hover_tips disabled disabled_tips confirm " +
			"elements vertical_spacing vertical_align horizontal_spacing horizontal_align",
		"form":                "name elements direction padding vertical_spacing vertical_align horizontal_spacing horizontal_align confirm",
		"button":              "text type size width icon hover_tips disabled disabled_tips confirm behaviors name required form_action_type",
		"input":               "name required placeholder default_value disabled disabled_tips hover_tips width max_length input_type show_icon rows auto_resize max_rows label label_position value behaviors confirm fallback",
		"select_static":       "name required placeholder disabled type width options initial_option initial_index behaviors confirm",
		"multi_select_static": "name required placeholder disabled type width options selected_values behaviors confirm",
		"select_person":       "name required placeholder disabled type width options initial_option behaviors confirm",
		"multi_select_person": "name required placeholder disabled type width options selected_values behaviors confirm",
		"date_picker":         "name required placeholder disabled width initial_date value behaviors confirm",
		"picker_time":         "name required placeholder disabled width initial_time value behaviors confirm",
		"picker_datetime":     "name required placeholder disabled width initial_datetime value behaviors confirm",
		"overflow":            "options width value behaviors confirm",
		"checker":             "name checked text overall_checkable button_area checked_style padding confirm behaviors hover_tips disabled disabled_tips",
	}[tag]
	return strings.Fields(words), ok
}

// interactive checks what a person can press or fill in.
func (k *cardCheck) interactive(m map[string]any, tag, path string, at place) *cardProblem {
	fillable := slices.Contains(strings.Fields(
		"input select_static multi_select_static select_person multi_select_person date_picker picker_time picker_datetime checker"), tag)
	if tag == "input" && !at.inForm {
		return &cardProblem{200621, "an input must sit in a form", path}
	}
	if at.inForm && (fillable || tag == "button") {
		name, _ := m["name"].(string)
		if name == "" {
			return &cardProblem{200530, "what stands in a form needs a name", path + "/name"}
		}
		if k.names[name] {
			return &cardProblem{200621, "name is used twice", path + "/name"}
		}
		k.names[name] = true
	}
	if tag == "input" {
		if t := m["input_type"]; t != nil && !oneOf(t, "text", "multiline_text", "password") {
			return &cardProblem{200621, "input_type is unknown", path + "/input_type"}
		}
	}
	if tag == "button" {
		if p := k.button(m, path, at); p != nil {
			return p
		}
	}
	if p := behaviors(m, path); p != nil {
		return p
	}
	return confirm(m, path)
}

func (k *cardCheck) button(m map[string]any, path string, at place) *cardProblem {
	if m["text"] == nil && m["icon"] == nil {
		return &cardProblem{200621, "a button needs a text or an icon", path}
	}
	if m["text"] != nil {
		if p := textObject(m["text"], path+"/text"); p != nil {
			return p
		}
	}
	if t := m["type"]; t != nil && !oneOf(t, strings.Fields(
		"default primary danger text primary_text danger_text primary_filled danger_filled laser")...) {
		return &cardProblem{200621, "button type is unknown", path + "/type"}
	}
	action := m["form_action_type"]
	switch {
	case action != nil && !at.inForm:
		return &cardProblem{200621, "form_action_type outside a form", path + "/form_action_type"}
	case action != nil && !oneOf(action, "submit", "reset"):
		return &cardProblem{200621, "form_action_type is unknown", path + "/form_action_type"}
	}
	return nil
}

// behaviors checks what a press does.
func behaviors(m map[string]any, path string) *cardProblem {
	v, present := m["behaviors"]
	if !present {
		return nil
	}
	rows, ok := v.([]any)
	if !ok {
		return &cardProblem{200621, "behaviors is not a list", path + "/behaviors"}
	}
	for _, row := range rows {
		b, _ := row.(map[string]any)
		var p *cardProblem
		switch b["type"] {
		case "callback":
			p = known(b, path+"/behaviors", []string{"type", "value"})
			if p == nil && !valueShape(b["value"]) {
				p = &cardProblem{200621, "callback value must be an object or a string", path + "/behaviors/value"}
			}
		case "open_url":
			p = known(b, path+"/behaviors", []string{"type", "default_url", "android_url", "ios_url", "pc_url"})
		default:
			p = &cardProblem{200621, "behavior type is unknown", path + "/behaviors"}
		}
		if p != nil {
			return p
		}
	}
	return nil
}

func valueShape(v any) bool {
	switch v.(type) {
	case map[string]any, string:
		return true
	}
	return false
}

// confirm checks the dialog before a press counts.
func confirm(m map[string]any, path string) *cardProblem {
	v, present := m["confirm"]
	if !present {
		return nil
	}
	dialog, ok := v.(map[string]any)
	if !ok {
		return &cardProblem{200621, "confirm is not an object", path + "/confirm"}
	}
	if p := known(dialog, path+"/confirm", []string{"title", "text"}); p != nil {
		return p
	}
	for _, name := range []string{"title", "text"} {
		if dialog[name] == nil {
			return &cardProblem{200621, "confirm needs title and text", path + "/confirm/" + name}
		}
		if p := textObject(dialog[name], path+"/confirm/"+name); p != nil {
			return p
		}
	}
	return nil
}

// textObject checks a plain_text or lark_md object.
func textObject(v any, path string) *cardProblem {
	m, ok := v.(map[string]any)
	if !ok || !oneOf(m["tag"], "plain_text", "lark_md") {
		return &cardProblem{200621, "is not a text object", path}
	}
	if _, ok := m["content"].(string); !ok && m["i18n_content"] == nil {
		return &cardProblem{200621, "a text object needs content", path + "/content"}
	}
	return known(m, path, strings.Fields("tag element_id margin content i18n_content text_size text_align text_color lines icon"))
}
