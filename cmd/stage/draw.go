package stage

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// drawFeishu gives a Feishu message as a terminal shows it, from the JSON that
// the tenant received, and the fields of its form by their labels.
func drawFeishu(m feishusim.Message) (string, map[string]string) {
	switch m.Type {
	case "text":
		return m.Text(), nil
	case "file":
		return "[file] " + m.Content, nil
	}
	var content any
	if err := json.Unmarshal([]byte(m.Content), &content); err != nil {
		return m.Content, nil
	}
	d := &drawing{inputs: map[string]string{}}
	if m.Type == "post" {
		d.post(content)
		return strings.Join(d.lines, "\n"), nil
	}
	d.card(content)
	return d.framed(), d.inputs
}

// drawing collects the lines of a message.
type drawing struct {
	title  string
	lines  []string
	inputs map[string]string
}

func (d *drawing) line(format string, args ...any) {
	for l := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		d.lines = append(d.lines, l)
	}
}

func (d *drawing) framed() string {
	var b strings.Builder
	b.WriteString("┌─ " + d.title + "\n")
	for _, l := range d.lines {
		b.WriteString("│ " + l + "\n")
	}
	b.WriteString("└─")
	return b.String()
}

func (d *drawing) card(v any) {
	root, _ := v.(map[string]any)
	if header, ok := root["header"].(map[string]any); ok {
		d.title = text(header["title"])
		if sub := text(header["subtitle"]); sub != "" {
			d.line("%s", sub)
		}
	}
	body, _ := root["body"].(map[string]any)
	elements := root["elements"]
	if body != nil {
		elements = body["elements"]
	}
	d.elements(elements)
}

func (d *drawing) elements(v any) {
	list, _ := v.([]any)
	for _, e := range list {
		if m, ok := e.(map[string]any); ok {
			d.element(m)
		}
	}
}

func (d *drawing) element(m map[string]any) {
	switch m["tag"] {
	case "markdown":
		d.line("%s", unescape(str(m["content"])))
	case "div":
		d.line("%s", text(m["text"]))
	case "plain_text", "note":
		d.line("%s", str(m["content"]))
	case "hr":
		d.line("────────")
	case "chart":
		d.chart(m["chart_spec"])
	case "button":
		d.line("[ %s ]", text(m["text"]))
	case "input":
		label := text(m["label"])
		if label == "" {
			label = text(m["placeholder"])
		}
		d.inputs[label] = str(m["name"])
		d.line("%s: ____", label)
	case "collapsible_panel":
		if header, ok := m["header"].(map[string]any); ok {
			d.line("▸ %s", text(header["title"]))
		}
		d.elements(m["elements"])
	default:
		for _, key := range []string{"elements", "columns", "actions"} {
			d.elements(m[key])
		}
	}
}

// chart draws a bar for each point.
func (d *drawing) chart(v any) {
	spec, _ := v.(map[string]any)
	if title, ok := spec["title"].(map[string]any); ok {
		d.line("▤ %s", str(title["text"]))
	}
	data, _ := spec["data"].(map[string]any)
	if list, ok := spec["data"].([]any); ok && len(list) > 0 {
		data, _ = list[0].(map[string]any)
	}
	values, _ := data["values"].([]any)
	for _, v := range values {
		point, _ := v.(map[string]any)
		n := 0.0
		var words []string
		for _, name := range slices.Sorted(maps.Keys(point)) {
			switch value := point[name].(type) {
			case float64:
				n = value
			case string:
				words = append(words, value)
			}
		}
		if n > 0 {
			d.line("  %s %s %g", strings.Join(words, " "), strings.Repeat("▇", min(int(n), barLength)), n)
		}
	}
}

// barLength is the longest bar, in characters.
const barLength = 20

func (d *drawing) post(v any) {
	langs, _ := v.(map[string]any)
	body := langs
	for _, lang := range langs {
		if m, ok := lang.(map[string]any); ok {
			body = m
		}
	}
	if title := str(body["title"]); title != "" {
		d.line("%s", title)
	}
	rows, _ := body["content"].([]any)
	for _, row := range rows {
		var b strings.Builder
		cells, _ := row.([]any)
		for _, c := range cells {
			cell, _ := c.(map[string]any)
			switch cell["tag"] {
			case "at":
				b.WriteString("@" + str(cell["user_id"]) + " ")
			default:
				b.WriteString(str(cell["text"]))
			}
		}
		d.line("%s", b.String())
	}
}

// text gives the words of a text object, or of a plain string.
func text(v any) string {
	if m, ok := v.(map[string]any); ok {
		return str(m["content"])
	}
	return str(v)
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// unescape shows Markdown as its reader would see it: entities decoded, marks
// gone.
func unescape(s string) string {
	s = strings.NewReplacer("&#42;", "*", "&#95;", "_", "&#126;", "~", "&#91;", "[", "&#93;", "]", "&#40;", "(", "&#41;", ")",
		"&#35;", "#", "&#96;", "`", "&#62;", ">", "&#60;", "<", "&lt;", "<", "&gt;", ">", "&#36;", "$", "&#43;", "+", "&#45;", "-", "&#33;", "!", "&#92;", `\`, "&nbsp;", " ", "**", "", "&amp;", "&", "&#38;", "&", "&#58;", ":", "&#124;", "|").Replace(s)
	return strings.ReplaceAll(s, "`", "")
}

// drawDing gives a DingTalk message as a terminal shows it.
func drawDing(m dingtalksim.Message) string {
	if m.Kind == "text" {
		return m.Text
	}
	d := &drawing{title: m.Title}
	d.line("%s", strings.TrimSpace(unescape(m.Text)))
	for _, b := range m.Buttons {
		d.line("[ %s ]", b.Title)
	}
	return d.framed()
}
