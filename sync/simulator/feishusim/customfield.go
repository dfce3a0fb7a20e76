package feishusim

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// CustomField is one of the tenant's own fields of people, as its admins define
// it in the console.
type CustomField struct {
	ID      string // "C-…"
	Type    string // TEXT, HREF, ENUMERATION, PICTURE_ENUM or GENERIC_USER
	Options []CustomOption
}

// CustomOption is one option of an enumeration.
type CustomOption struct {
	ID    string
	Value string // the text; of a picture its address
	Name  string // of a picture
}

// customState is what the admins defined.
type customState struct {
	defined index[CustomField]
	closed  bool // the admins keep the open platform out of custom fields
}

// SetCustomFields replaces the definitions. What people hold stays as it is, also
// of fields and options that are gone. Before any are set, every field is taken.
func (s *Sim) SetCustomFields(fields ...CustomField) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.custom.defined = index[CustomField]{}
	for _, f := range fields {
		f.Options = slices.Clone(f.Options)
		s.custom.defined.put(s.next(), f)
	}
}

// CloseCustomFields turns the admins' switch "allow the open platform to use
// custom fields" off: what is sent is passed over in silence, and nothing is shown.
func (s *Sim) CloseCustomFields(closed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.custom.closed = closed
}

func serveCustomFields(c *call) (any, *refusal) {
	p, no := c.page("custom_attrs")
	if no != nil {
		return nil, no
	}
	x := &c.sim.custom.defined
	if c.sim.custom.closed {
		x = &index[CustomField]{}
	}
	return list(c, p, x, func(f CustomField) (map[string]any, bool) { return f.show(), true }), nil
}

func (f *CustomField) show() map[string]any {
	out := map[string]any{"id": f.ID, "type": f.Type, "i18n_name": []map[string]string{{"locale": "zh_cn", "value": f.ID}}}
	if f.Type != "ENUMERATION" && f.Type != "PICTURE_ENUM" {
		return out
	}
	kind := "TEXT"
	if f.Type == "PICTURE_ENUM" {
		kind = "PICTURE"
	}
	options := []map[string]string{}
	for _, o := range f.Options {
		options = append(options, map[string]string{"id": o.ID, "value": o.Value, "name": o.Name})
	}
	out["options"] = map[string]any{"option_type": kind, "options": options}
	return out
}

// customValue is one entry of custom_attrs in a body.
type customValue struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Value *struct {
		Text     string `json:"text"`
		URL      string `json:"url"`
		OptionID string `json:"option_id"`
		User     struct {
			ID   string `json:"id"`
			Type int    `json:"type"`
		} `json:"generic_user"`
	} `json:"value"`
}

// readCustomAttrs keeps the wire form after checking it. The list replaces the
// one before.
func readCustomAttrs(c *call, _ idTypes, raw json.RawMessage, u *User) *refusal {
	var in []customValue
	if no := readJSON(raw, "custom_attrs", &in); no != nil {
		return no
	}
	if c.sim.custom.closed {
		return nil
	}
	for i := range in {
		if no := c.sim.checkCustom(&in[i]); no != nil {
			return no
		}
	}
	u.CustomAttrs = append(json.RawMessage(nil), raw...)
	return nil
}

func (s *Sim) checkCustom(a *customValue) *refusal {
	at := slices.IndexFunc(s.custom.defined.items, func(f CustomField) bool { return f.ID == a.ID })
	switch {
	case a.ID == "":
		return invalidField(41044, "custom_attrs.id", "is missing")
	case len(s.custom.defined.items) > 0 && at < 0:
		return invalidField(41045, "custom_attrs.id", "does not exist: "+a.ID)
	case a.Value == nil:
		return invalidField(41046, "custom_attrs.value", "is missing")
	case !contains([]string{"TEXT", "HREF", "ENUMERATION", "PICTURE_ENUM", "GENERIC_USER"}, a.Type):
		return badField("custom_attrs.type", "is unknown: "+a.Type)
	case a.Type == "TEXT" && utf8.RuneCountInString(a.Value.Text) > 100:
		return badField("custom_attrs.value.text", "is longer than 100 characters")
	}
	if at < 0 {
		return nil
	}
	return s.checkDefined(a, &s.custom.defined.items[at])
}

// checkDefined holds a value against the definition of its field.
func (s *Sim) checkDefined(a *customValue, f *CustomField) *refusal {
	switch {
	case a.Type != f.Type:
		return badField("custom_attrs.type", "is not "+f.Type)
	case f.Type == "HREF" && a.Value.Text == "":
		return invalidField(41047, "custom_attrs.value.text", "is missing")
	case f.Type == "HREF" && a.Value.URL == "":
		return invalidField(41048, "custom_attrs.value.url", "is missing")
	case (f.Type == "ENUMERATION" || f.Type == "PICTURE_ENUM") &&
		!slices.ContainsFunc(f.Options, func(o CustomOption) bool { return o.ID == a.Value.OptionID }):
		return badField("custom_attrs.value.option_id", "is no option of the field")
	case f.Type == "GENERIC_USER" && a.Value.User.Type != 1:
		return badField("custom_attrs.value.generic_user.type", "is not 1")
	case f.Type == "GENERIC_USER" && s.directory.unique["user_id"][a.Value.User.ID] == nil:
		return badField("custom_attrs.value.generic_user.id", "is nobody's user_id")
	}
	return nil
}
