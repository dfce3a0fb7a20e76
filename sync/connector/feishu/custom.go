package feishu

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxCustomText is the vendor's limit of a custom text, in characters.
const maxCustomText = 100

// customEntry is one entry of a person's "custom_attrs".
type customEntry struct {
	Type  string `json:"type"`
	ID    string `json:"id"`
	Value struct {
		Text        string `json:"text"`
		URL         string `json:"url"`
		PCURL       string `json:"pc_url"`
		OptionID    string `json:"option_id"`
		OptionValue string `json:"option_value"`
		Name        string `json:"name"`
		User        struct {
			ID string `json:"id"`
		} `json:"generic_user"`
	} `json:"value"`
}

// empty tells whether the entry holds nothing.
func (e *customEntry) empty() bool {
	v := &e.Value
	return v.Text == "" && v.URL == "" && v.PCURL == "" && v.OptionID == "" && v.User.ID == ""
}

// customEntries reads a person's list; shown is false when it did not come.
func (r record) customEntries() (all []customEntry, shown bool) {
	if r["custom_attrs"] == nil || json.Unmarshal(r["custom_attrs"], &all) != nil {
		return nil, false
	}
	return all, true
}

// custom decodes a custom field. A field that is absent is empty only when its
// definition shows that custom fields are open to us; whatever cannot be
// understood, or has another type than the configuration says, is unknown. One
// that the definitions lack is believed by its written type.
func (d *decoder) custom(ctx context.Context, r record, f *field) directory.Value {
	all, shown := r.customEntries()
	def, defined := d.defs.fields[f.wire]
	if d.defs.lack(f) {
		return directory.Hidden("custom_attributes: " + f.wire)
	}
	for i := range all {
		if all[i].ID == f.wire {
			return d.customValue(&all[i], f, &def)
		}
	}
	hidden := !shown && (r["custom_attrs"] != nil || !d.grant.has(ctx, f.permission)) // malformed, or not permitted
	switch {
	case !defined && d.defs.known: // nothing tells whether it exists
		return directory.Hidden("custom_attributes: " + f.wire + ", not among the definitions")
	case !defined && shown:
		return directory.Hidden(permDefinitions)
	case !defined, hidden:
		return directory.Hidden(f.permission)
	case f.otherKind(def.kind):
		return f.strange(def.kind)
	default:
		return directory.Empty(f.valueType())
	}
}

// trusted tells whether the configuration says all that is needed of the type.
func (f *field) trusted() bool { return f.declared != "" && f.declared != kindEnum }

// otherKind tells whether the configuration says another type.
func (f *field) otherKind(kind string) bool { return f.declared != "" && !sameKind(f.declared, kind) }

// strange is the value of a field whose type is not what it should be.
func (f *field) strange(kind string) directory.Value {
	return directory.Hidden("custom_attributes: " + f.wire + " is " + clean(kind))
}

func (d *decoder) customValue(e *customEntry, f *field, def *definition) directory.Value {
	if f.otherKind(e.Type) || def.otherKind(e.Type) {
		return f.strange(e.Type)
	}
	if f.form == customUser {
		return d.customPerson(directory.ID(e.Value.User.ID))
	}
	switch e.Type {
	case kindText, kindPhone:
		return directory.TextOf(e.Value.Text)
	case kindHref:
		if e.Value.URL == "" {
			return directory.TextOf(e.Value.PCURL)
		}
		return directory.TextOf(e.Value.URL)
	case kindUser:
		return directory.TextOf(e.Value.User.ID)
	case kindEnum, kindPicture:
		return d.optionName(e, f, def)
	default:
		return f.strange(e.Type)
	}
}

// customPerson gives the person that a field names.
func (d *decoder) customPerson(id directory.ID) directory.Value {
	switch {
	case id == "":
		return directory.RefsTo()
	case d.c.plausible(directory.User, id) != nil:
		return directory.Hidden(permUserID)
	default:
		return directory.RefsToKind(directory.User, id)
	}
}

// optionName gives the name of the chosen option. Of one that was deleted since
// the record itself may still tell the name.
func (d *decoder) optionName(e *customEntry, f *field, def *definition) directory.Value {
	name, found := def.name(e.Value.OptionID)
	old := e.Value.OptionValue
	if e.Type == kindPicture {
		old = e.Value.Name
	}
	switch {
	case found:
		return directory.TextOf(name)
	case e.Value.OptionID == "":
		return directory.TextOf("")
	case !d.defs.known:
		return directory.Hidden(permDefinitions)
	case old != "":
		return directory.TextOf(old)
	default:
		return directory.Hidden("custom_attributes: " + f.wire + ", a deleted option")
	}
}

// customWrite is the new list of a person's custom fields.
type customWrite struct {
	list    []any
	cleared []string // fields that are left out of the list
}

// customList builds the list for a write. The vendor does not say whether a list
// that is sent replaces the old one, so that the others are sent along as they
// are; old is nil for somebody new.
func (c *Connector) customList(ctx context.Context, values map[string]directory.Value, old record) (customWrite, error) {
	var out customWrite
	defs, err := c.definitions(ctx, &tally{}, definitionsLife)
	if err != nil {
		return out, err
	}
	if old != nil && old["custom_attrs"] == nil && c.customOpen(ctx, defs, values) {
		old = nil // the person has none yet
	}
	before, rest, err := splitCustom(values, old)
	if err != nil {
		return out, err
	}
	out.list = rest
	for _, name := range slices.Sorted(maps.Keys(values)) { // in order: a repeated client_token must come with the same body
		f, _ := c.fields.find(directory.User, name)
		if err := out.add(f, values[name], defs, before[f.wire]); err != nil {
			return out, err
		}
	}
	if out.list == nil && len(out.cleared) > 0 {
		out.list = []any{}
	}
	return out, nil
}

// add puts the new value of a field into the list, or leaves the field out of it,
// which clears it; had is its old entry, nil for none.
func (w *customWrite) add(f *field, v directory.Value, defs definitions, had *customEntry) error {
	kind, err := f.customKind(defs, had)
	if err != nil {
		return err
	}
	if v.IsEmpty() && (kind != kindText || had == nil) {
		if had != nil && !had.empty() {
			w.cleared = append(w.cleared, f.wire)
		}
		return nil
	}
	def := defs.fields[f.wire]
	value, err := f.encodeCustom(v, kind, &def, had)
	if err != nil {
		return err
	}
	w.list = append(w.list, map[string]any{"type": kind, "id": f.wire, "value": value})
	return nil
}

// customOpen tells whether the fields of a write are shown to us, so that somebody
// who comes without a list holds nothing in them, as decoder.custom has it. Of a
// field that the definitions lack that is so when they have others: then the
// admins' switch is on.
func (c *Connector) customOpen(ctx context.Context, defs definitions, values map[string]directory.Value) bool {
	for name := range values {
		f, _ := c.fields.find(directory.User, name)
		if _, defined := defs.fields[f.wire]; !defined && (!f.trusted() || len(defs.fields) == 0) {
			return false
		}
	}
	return (&grants{c: c}).has(ctx, permEmployee)
}

// splitCustom gives the entries that the write changes, by field, and the others
// as they came.
func splitCustom(values map[string]directory.Value, old record) (changes map[string]*customEntry, rest []any, err error) {
	changes = map[string]*customEntry{}
	if old == nil {
		return changes, nil, nil
	}
	var raw []json.RawMessage
	entries, shown := old.customEntries()
	if !shown || json.Unmarshal(old["custom_attrs"], &raw) != nil {
		return nil, nil, fault.New(fault.Denied, "看不到成员的自定义字段，不能安全地修改：请开通 %s，并在管理后台允许开放平台访问自定义字段"+
			" / the user's custom fields are not shown, so that they cannot be changed safely: grant %s and allow the open platform to access custom fields",
			permEmployee, permEmployee)
	}
	for i := range entries {
		if _, written := values[customPrefix+entries[i].ID]; written {
			changes[entries[i].ID] = &entries[i]
		} else {
			rest = append(rest, raw[i])
		}
	}
	return changes, rest, nil
}

// customKind gives the vendor's type of the field.
func (f *field) customKind(defs definitions, had *customEntry) (string, error) {
	def, defined := defs.fields[f.wire]
	switch {
	case defs.lack(f):
		return "", invalid(f.name, "飞书没有列出这个自定义字段，请核对 custom_attributes，并在管理后台允许开放平台访问；人员类型和来自人事的字段请写明类型",
			"Feishu does not list this custom field: check custom_attributes, and that the open platform may use custom fields; write the type of persons and of fields of Feishu People")
	case defined && f.otherKind(def.kind):
		return "", f.mistyped()
	case defined:
		return def.kind, nil
	case f.trusted():
		return f.declaredKind(had)
	case f.declared == "" && had != nil && had.Type != kindEnum && had.Type != kindPicture:
		return had.Type, nil
	default:
		return "", fault.New(fault.Denied, "%[1]s：看不到自定义字段的定义，不能写入：请开通 %[2]s 或 %[3]s，文本等类型也可在 custom_attributes 里写明（%[4]s:text）"+
			" / %[1]s: the definitions of custom fields are hidden, so that it cannot be written: grant %[2]s or %[3]s, or write the type of a text in custom_attributes (%[4]s:text)",
			f.name, permList, permCustom, f.wire)
	}
}

// declaredKind is customKind where only the configuration says the type: an old
// entry tells which of those that count as the same it is.
func (f *field) declaredKind(had *customEntry) (string, error) {
	switch {
	case had == nil:
		return f.declared, nil
	case f.otherKind(had.Type):
		return "", f.mistyped()
	default:
		return had.Type, nil
	}
}

// encodeCustom gives the "value" of an entry.
func (f *field) encodeCustom(v directory.Value, kind string, def *definition, had *customEntry) (map[string]any, error) {
	s := v.String()
	if f.form == customUser {
		id, err := f.encodeRefs(v)
		if err != nil {
			return nil, err
		}
		s, _ = id.(string)
	}
	switch kind {
	case kindText, kindPhone:
		if utf8.RuneCountInString(s) > maxCustomText {
			return nil, invalid(f.name, "文本不能超过 100 个字符", "takes at most 100 characters")
		}
		return map[string]any{"text": s}, nil
	case kindHref:
		return encodeHref(s, had), nil
	case kindEnum, kindPicture:
		id, err := def.option(s, f.name)
		return map[string]any{"option_id": id}, err
	case kindUser:
		return map[string]any{"generic_user": map[string]any{"id": s, "type": 1}}, nil
	default:
		return nil, invalid(f.name, "点名不认识这种自定义字段", "is a custom field of a type that is not known here")
	}
}

// encodeHref keeps the title of a link, and an address for computers that is
// another one; without a title, which Feishu requires, the address is it.
func encodeHref(address string, had *customEntry) map[string]any {
	out := map[string]any{"url": address, "text": address}
	if had == nil {
		return out
	}
	if old := &had.Value; old.Text != "" && old.Text != old.URL {
		out["text"] = old.Text
	}
	switch old := had.Value.PCURL; old {
	case "":
	case had.Value.URL:
		out["pc_url"] = address
	default:
		out["pc_url"] = old
	}
	return out
}

// keptCustom looks in the answer to a write whether Feishu kept values that were
// to be cleared.
func keptCustom(data json.RawMessage, cleared []string) error {
	var reply struct {
		User record `json:"user"`
	}
	if len(cleared) == 0 || json.Unmarshal(data, &reply) != nil {
		return nil //nolint:nilerr // the write is done; an answer that cannot be read tells of nothing that was kept
	}
	entries, _ := reply.User.customEntries()
	var kept []string
	for i := range entries {
		if slices.Contains(cleared, entries[i].ID) && !entries[i].empty() {
			kept = append(kept, customPrefix+entries[i].ID)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	names := strings.Join(kept, ", ")
	return fault.New(fault.Denied, "飞书没有清空 %s，其余已写入：请在管理后台清空，或映射一个值 / Feishu did not clear %s, the rest is written: clear it in the admin console, or map a value", names, names)
}
