package feishu_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// unlisted is a tenant whose list of definitions lacks persons, as the vendor's
// list does, and whose phone fields have a type of their own.
func unlisted(t *testing.T, attributes ...string) *tenant {
	t.Helper()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.CustomAttributes = attributes })
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Path == customPath && answerJSON(w, http.StatusOK, `{"code":0,"data":{"has_more":false,"items":[
			{"id":"C-1","type":"TEXT"},{"id":"C-5","type":"PHONE"}]}}`)
	}
	return x
}

// TestCustomFieldsThatAreNotListed: a written type is trusted where the list of
// definitions lacks the field; what it does not show is unknown all the same.
func TestCustomFieldsThatAreNotListed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		declared, attrs, want string // "?…" for unknown, with a part of why
	}{
		"a person":                  {"C-4:user", everyCustom, "user:boss"},
		"a link":                    {"C-9:href", everyCustom, "https://a"},
		"a person without a type":   {"C-4", everyCustom, "?C-4"},
		"a person, another type":    {"C-4:text", everyCustom, "?GENERIC_USER"},
		"options":                   {"C-2:enum", everyCustom, "?C-2"},
		"none, which proves no end": {"C-4:user", `[]`, "?custom_attributes: C-4"},
		"a phone":                   {"C-5", `[{"type":"PHONE","id":"C-5","value":{"text":"+8613800000000"}}]`, "+8613800000000"},
		"a phone as a text":         {"C-5:text", `[{"type":"TEXT","id":"C-5","value":{"text":"+8613800000000"}}]`, "+8613800000000"},
		"no phone":                  {"C-5", `[]`, ""},
	} {
		x := unlisted(t, c.declared)
		x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(c.attrs)})
		o, _ := x.read(t).Get(userKey("u1"))
		id, _, _ := strings.Cut(c.declared, ":")
		got := o.Attributes["custom."+id]
		why, unknown := strings.CutPrefix(c.want, "?")
		if unknown != (got.Type() == directory.Unknown) || unknown && !strings.Contains(got.Permission(), why) || !unknown && got.String() != c.want {
			t.Errorf("%s: %s %q (%s), want %q", name, got.Type(), got, got.Permission(), c.want)
		}
	}
}

func TestCustomWritesThatAreNotListed(t *testing.T) {
	t.Parallel()
	boss := directory.RefsToKind(directory.User, "boss")
	for name, c := range map[string]struct {
		declared, attrs string
		value           directory.Value
		want            string // in what is stored
		kind            fault.Kind
	}{
		"a first person":          {"C-4:user", `[]`, boss, `"generic_user":{"id":"boss","type":1}`, ""},
		"no list, but others are": {"C-4:user", "", boss, `"generic_user":{"id":"boss","type":1}`, ""},
		"a link keeps its title":  {"C-9:href", everyCustom, directory.TextOf("https://b"), `"text":"主页"`, ""},
		"without a type":          {"C-9", everyCustom, directory.TextOf("https://b"), "", fault.Invalid},
		"options":                 {"C-2:enum", everyCustom, directory.TextOf("汉族"), "", fault.Invalid},
		"a type that it has not":  {"C-9:text", everyCustom, directory.TextOf("x"), "", fault.Invalid},
	} {
		x := unlisted(t, c.declared)
		x.SetCustomFields() // every field is taken
		x.user(t, feishusim.User{UserID: "boss", Name: "老板"})
		x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(c.attrs)})
		listed := x.front
		x.front = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.URL.Path == "/open-apis/application/v6/scopes":
				return answerJSON(w, http.StatusOK, `{"code":0,"data":{"scopes":[{"scope_name":"contact:user.employee:readonly","grant_status":1}]}}`)
			case c.attrs == "" && r.Method == http.MethodGet && r.URL.Path == usersPath+"/u1":
				return answerJSON(w, http.StatusOK, `{"code":0,"data":{"user":{"user_id":"u1","name":"x","department_ids":["0"],"status":{"is_frozen":false}}}}`)
			default:
				return listed(w, r)
			}
		}
		id, _, _ := strings.Cut(c.declared, ":")
		_, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"custom." + id: c.value}))
		if fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %q", name, err, c.kind)
		}
		if u, _ := x.User("u1"); c.kind == "" && !strings.Contains(string(u.CustomAttrs), c.want) {
			t.Errorf("%s: stored %s", name, u.CustomAttrs)
		} else if c.kind != "" && len(x.Effects()) != 0 {
			t.Errorf("%s: %d effects", name, len(x.Effects()))
		}
	}
}

// TestBothPermissionsOfDefinitions: which of two shows the definitions differs by
// the vendor's pages.
func TestBothPermissionsOfDefinitions(t *testing.T) {
	t.Parallel()
	x := customTenant(t)
	narrow(x)
	err := x.c.Probe(t.Context())
	for _, permission := range []string{noCustom, "contact:contact.base:readonly"} {
		if !strings.Contains(fault.Say(err), permission) {
			t.Errorf("%v does not name %s", err, permission)
		}
	}
}

// TestExamineCustomFields: the doctor says what configured fields lack.
func TestExamineCustomFields(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		x     *tenant
		shape func(x *tenant)
		want  string
	}{
		"all known":          {customTenant(t), func(*tenant) {}, "+ custom fields |"},
		"trusted":            {unlisted(t, "C-4:user"), func(*tenant) {}, "+ custom fields |"},
		"unknown":            {unlisted(t, "C-77"), func(*tenant) {}, "~ custom fields | custom_attributes names C-77"},
		"no definitions":     {customTenant(t), narrow, "~ custom fields | the definitions of custom fields are hidden"},
		"none are used":      {customTenant(t), narrow, ""},
		"none is configured": {newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.CustomAttributes = nil }), func(*tenant) {}, ""},
	} {
		c.shape(c.x)
		var names []string
		if name != "none are used" {
			names = []string{"custom.C-4", "custom.C-77", "custom.C-2", "custom.C-1"}
		}
		got := findings(c.x.c.Examine(t.Context(), use(false, names...)), false)
		if c.want == "" && strings.Contains(got, "custom fields") || !strings.Contains(got, c.want) {
			t.Errorf("%s: want %q in\n%s", name, c.want, got)
		}
		if zh := findings(c.x.c.Examine(t.Context(), connector.Use{}), true); strings.Contains(zh, "自定义字段 |") {
			t.Errorf("%s: told although no flow uses them:\n%s", name, zh)
		}
	}
}
