package feishubot

import (
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
)

// buttons draws the buttons of a card: those that only press in rows, and each
// that asks for values in a form of its own, so that one's required field does
// not hold up another.
func (d *drawing) buttons(list []bot.Button) []node {
	var row, out []node
	for _, b := range list {
		if len(b.Inputs) == 0 {
			row = append(row, node{"tag": "column", "width": "auto", "elements": []node{d.button(b, false)}})
			continue
		}
		out = append(out, d.form(b))
	}
	if len(row) > 0 {
		out = append(out, node{"tag": "column_set", "flex_mode": "flow", "horizontal_spacing": "8px", "columns": row})
	}
	return out
}

// form draws inputs with the button that sends them. A form stands only at the
// root of a card.
func (d *drawing) form(b bot.Button) node {
	number := strconv.Itoa(d.forms)
	d.forms++
	var elements []node
	for _, in := range b.Inputs {
		label := show(in.Label, labelLimit)
		if strings.TrimSpace(label) == "" {
			label = show(in.Name, labelLimit)
		}
		elements = append(elements, node{
			"tag": "input", "name": fieldName(strconv.Itoa(d.names), in.Name), "input_type": "text", "required": in.Required,
			"label": node{"tag": "plain_text", "content": label}, "label_position": "top",
			"placeholder": node{"tag": "plain_text", "content": label},
		})
		d.names++
	}
	return node{"tag": "form", "name": "f" + number, "elements": append(elements, d.button(b, true))}
}

func (d *drawing) button(b bot.Button, submits bool) node {
	label := show(b.Label, labelLimit)
	if strings.TrimSpace(label) == "" {
		label = show(b.Command, labelLimit)
	}
	text := node{"tag": "plain_text", "content": label}
	out := node{
		"tag": "button", "text": text, "type": buttonType(b.Style), "name": "b" + strconv.Itoa(d.names),
		"behaviors": []node{{"type": "callback", "value": callback{Command: b.Command, Digest: b.Digest, bound: d.to}}},
	}
	d.names++
	if submits {
		out["form_action_type"] = "submit"
	}
	if confirm := show(b.Confirm, spanLimit); strings.TrimSpace(confirm) != "" {
		out["confirm"] = node{"title": text, "text": node{"tag": "plain_text", "content": confirm}}
	}
	return out
}

func buttonType(s bot.Style) string {
	switch s {
	case bot.Primary:
		return "primary"
	case bot.Dangerous:
		return "danger"
	default:
		return "default"
	}
}
