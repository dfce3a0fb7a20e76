package feishusim

import (
	"fmt"
	"strings"
	"testing"
)

// body2 puts elements into a card of schema 2.0.
func body2(elements string) string {
	return `{"schema":"2.0","body":{"elements":[` + elements + `]}}`
}

const submit = `{"tag":"button","name":"go","form_action_type":"submit","text":{"tag":"plain_text","content":"批准"}}`

func TestCardsAccepted(t *testing.T) {
	t.Parallel()
	for name, card := range map[string]string{
		"2.0":                                card2,
		"1.0":                                card1,
		"template":                           `{"type":"template","data":{"template_id":"x"}}`,
		"1.0 unknown properties are ignored": `{"elements":[],"colour":"red"}`,
		"full": `{"schema":"2.0","config":{"update_multi":true,"enable_forward":false,"width_mode":"fill","summary":{"content":"待批准"}},
			"header":{"template":"red","title":{"tag":"plain_text","content":"待批准","i18n_content":{"en_us":"Waiting"}},"subtitle":{"tag":"plain_text","content":"x"}},
			"body":{"direction":"vertical","elements":[
			{"tag":"markdown","content":"x","element_id":"top"},{"tag":"hr"},{"tag":"div","text":{"tag":"plain_text","content":"x"}},
			{"tag":"column_set","columns":[{"tag":"column","width":"weighted","weight":1,"elements":[{"tag":"markdown","content":"y"}]}]},
			{"tag":"collapsible_panel","expanded":false,"header":{"title":{"tag":"plain_text","content":"z"}},"elements":[{"tag":"markdown","content":"z"}]},
			{"tag":"table","columns":[],"rows":[]},
			{"tag":"form","name":"f","elements":[{"tag":"input","name":"n","required":true,"input_type":"text"},` + submit + `]}]}}`,
		"many elements": body2(strings.Repeat(`{"tag":"hr"},`, maxElements-1) + `{"tag":"hr"}`),
	} {
		if _, p := checkCard([]byte(card)); p != nil {
			t.Errorf("%s: %+v", name, *p)
		}
	}
}

func TestCardsRefused(t *testing.T) {
	t.Parallel()
	form := func(elements string) string { return `{"tag":"form","name":"f","elements":[` + elements + `]}` }
	deep := `{"tag":"hr"}`
	for range maxNesting + 1 {
		deep = `{"tag":"collapsible_panel","elements":[` + deep + `]}`
	}
	button := func(rest string) string {
		return `{"tag":"button","text":{"tag":"plain_text","content":"x"}` + rest + `}`
	}
	for _, tt := range []struct{ name, card, want string }{
		{"no JSON", `{`, "200621"},
		{"a list", `[]`, "200621"},
		{"1.0 without anything", `{}`, "elements is empty"},
		{"1.0 button at the root", `{"elements":[{"tag":"button"}]}`, "action module"},
		{"other schema", `{"schema":"3.0"}`, "unknown schema"},
		{"unknown at the root", `{"schema":"2.0","elements":[]}`, "unknown property elements"},
		{"i18n_elements", `{"schema":"2.0","i18n_elements":{},"body":{"elements":[]}}`, "unknown property i18n_elements"},
		{"unknown in config", `{"schema":"2.0","config":{"wide_screen_mode":true},"body":{"elements":[]}}`, "wide_screen_mode"},
		{"unknown in header", `{"schema":"2.0","header":{"colour":"x"},"body":{"elements":[]}}`, "colour"},
		{"unknown in body", `{"schema":"2.0","body":{"items":[]}}`, "items"},
		{"no body", `{"schema":"2.0"}`, "body is missing"},
		{"not shared", `{"schema":"2.0","config":{"update_multi":false},"body":{"elements":[]}}`, "update_multi"},
		{"template colour", `{"schema":"2.0","header":{"title":{"tag":"plain_text","content":"x"},"template":"pink"},"body":{"elements":[]}}`, "template is unknown"},
		{"no title", `{"schema":"2.0","header":{"template":"red"},"body":{"elements":[]}}`, "title is missing"},
		{"old tag", body2(`{"tag":"action","actions":[]}`), "unsupported tag action"},
		{"note", body2(`{"tag":"note"}`), "unsupported tag note"},
		{"no tag", body2(`{"content":"x"}`), "unsupported tag"},
		{"unknown in markdown", body2(`{"tag":"markdown","content":"x","href":{}}`), "unknown property href"},
		{"empty markdown", body2(`{"tag":"markdown"}`), "needs content"},
		{"button value", body2(button(`,"value":{"a":1}`)), "unknown property value"},
		{"button type", body2(button(`,"type":"warning"`)), "button type"},
		{"button without face", body2(`{"tag":"button"}`), "a text or an icon"},
		{"button text", body2(`{"tag":"button","text":"x"}`), "text object"},
		{"behavior kind", body2(button(`,"behaviors":[{"type":"link"}]`)), "behavior type"},
		{"behavior property", body2(button(`,"behaviors":[{"type":"callback","value":{},"x":1}]`)), "unknown property x"},
		{"behavior value", body2(button(`,"behaviors":[{"type":"callback","value":7}]`)), "object or a string"},
		{"behaviors shape", body2(button(`,"behaviors":{}`)), "not a list"},
		{"half a confirm", body2(button(`,"confirm":{"title":{"tag":"plain_text","content":"x"}}`)), "confirm needs"},
		{"submit outside", body2(button(`,"form_action_type":"submit"`)), "outside a form"},
		{"input outside", body2(`{"tag":"input","name":"n"}`), "must sit in a form"},
		{"input kind", body2(form(`{"tag":"input","name":"n","input_type":"number"},` + submit)), "input_type"},
		{"form below", body2(`{"tag":"collapsible_panel","elements":[` + form(submit) + `]}`), "root of the card"},
		{"form in form", body2(form(form(submit) + "," + submit)), "root of the card"},
		{"form without name", body2(`{"tag":"form","elements":[` + submit + `]}`), "200530"},
		{"input without name", body2(form(`{"tag":"input"},` + submit)), "200530"},
		{"form without button", body2(form(`{"tag":"input","name":"n"}`)), "submit button"},
		{"name twice", body2(form(`{"tag":"input","name":"go"},` + submit)), "used twice"},
		{"table in form", body2(form(`{"tag":"table"},` + submit)), "hold a table"},
		{"tables", body2(strings.Repeat(`{"tag":"table"},`, maxTables) + `{"tag":"table"}`), "table number over limit"},
		{"elements", body2(strings.Repeat(`{"tag":"hr"},`, maxElements) + `{"tag":"hr"}`), "11310"},
		{"nesting", body2(deep), "nested deeper"},
		{"element_id", body2(`{"tag":"hr","element_id":"1x"}`), "element_id"},
		{"element_id twice", body2(`{"tag":"hr","element_id":"x"},{"tag":"hr","element_id":"x"}`), "element_id"},
		{"column", body2(`{"tag":"column_set","columns":[{"tag":"div"}]}`), "columns only"},
		{"in a column", body2(`{"tag":"column_set","columns":[{"tag":"column","elements":[{"tag":"note"}]}]}`), "unsupported tag note"},
	} {
		_, p := checkCard([]byte(tt.card))
		if p == nil {
			t.Errorf("%s: accepted", tt.name)
			continue
		}
		if no := p.refusal(); no.code != 230099 || !strings.Contains(no.msg, tt.want) {
			t.Errorf("%s: %s", tt.name, no.msg)
		}
	}
}

func FuzzCheckCard(f *testing.F) {
	f.Add(card2)
	f.Add(card1)
	f.Add(body2(`{"tag":"form","name":"f","elements":[` + submit + `]}`))
	f.Fuzz(func(t *testing.T, card string) {
		facts, p := checkCard([]byte(card))
		again, q := checkCard([]byte(card))
		if facts != again || fmt.Sprint(p) != fmt.Sprint(q) {
			t.Fatalf("judged twice differently: %v %v, %v %v", facts, p, again, q)
		}
		buttons([]byte(card)) // must not panic either
	})
}
