package feishu_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

const (
	customPath = "/open-apis/contact/v3/custom_attrs"
	noCustom   = "contact:contact:readonly_as_app"
)

// customTenant has custom fields of every type.
func customTenant(t *testing.T) *tenant {
	t.Helper()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) {
		o.CustomAttributes = []string{"C-1", "C-2", "C-3", "C-4:user", "C-9"}
	})
	x.SetCustomFields(fields()...)
	return x
}

// narrow grants what reading needs, without the definitions of custom fields.
func narrow(x *tenant) {
	x.SetScopes("contact:contact", "contact:contact.base:readonly", "contact:user.base:readonly", "contact:user.employee:readonly",
		"contact:user.department:readonly", "contact:user.employee_id:readonly", "contact:department.base:readonly", "contact:department.organize:readonly")
}

const everyCustom = `[{"type":"TEXT","id":"C-1","value":{"text":"文本"}},
	{"type":"ENUMERATION","id":"C-2","value":{"option_id":"o2"}},
	{"type":"PICTURE_ENUM","id":"C-3","value":{"option_id":"p1"}},
	{"type":"GENERIC_USER","id":"C-4","value":{"generic_user":{"id":"boss","type":1}}},
	{"type":"HREF","id":"C-9","value":{"text":"主页","url":"https://a","pc_url":"https://pc"}}]`

func TestCustomFieldsOfEveryType(t *testing.T) {
	t.Parallel()
	x := customTenant(t)
	x.user(t, feishusim.User{UserID: "boss", Name: "老板"})
	x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(everyCustom)})
	s := x.read(t)
	if !s.Complete() || x.Calls()["custom.list"] != 2 { // two pages
		t.Fatalf("incomplete for %q, %d calls for definitions", s.Health.PartialFor, x.Calls()["custom.list"])
	}
	want := directory.Attributes{
		"custom.C-1": directory.TextOf("文本"), "custom.C-2": directory.TextOf("回族"), "custom.C-3": directory.TextOf("金牌"),
		"custom.C-4": directory.RefsToKind(directory.User, "boss"), "custom.C-9": directory.TextOf("https://a"),
	}
	read, _ := s.Get(userKey("u1"))
	looked := x.look(t, "u1").Object
	for name, v := range want {
		if got := read.Attributes[name]; !got.Equal(v) || got.Type() != v.Type() {
			t.Errorf("%s = %s %q, want %q", name, got.Type(), got, v)
		}
		if got := looked.Attributes[name]; !got.Equal(v) {
			t.Errorf("looked up, %s = %q", name, got)
		}
		if a, ok := x.c.Describe().Attribute(directory.User, name); !ok || a.Type != v.Type() || !a.Writable {
			t.Errorf("%s is described as %+v", name, a)
		}
	}
	if x.Calls()["custom.list"] != 2 {
		t.Error("a look-up right after asks for the definitions again")
	}
	x.clock.advance(6 * time.Minute)
	x.look(t, "u1")
	if x.Calls()["custom.list"] != 4 {
		t.Error("definitions are used for ever")
	}
	if err := x.c.Probe(t.Context()); err != nil {
		t.Errorf("probe: %v", err)
	}
}

// TestCustomFieldsThatAreNotKnown: what is hidden is unknown, never empty.
func TestCustomFieldsThatAreNotKnown(t *testing.T) {
	t.Parallel()
	gone := `[{"type":"ENUMERATION","id":"C-2","value":{"option_id":"old"}}]`
	named := `[{"type":"ENUMERATION","id":"C-2","value":{"option_id":"old","option_value":"从前"}}]`
	for name, c := range map[string]struct {
		attrs string
		field string
		shape func(x *tenant)
		want  string // "?…" for unknown, with a part of why
	}{
		"a deleted option":              {gone, "C-2", nil, "?deleted option"},
		"a deleted option with a name":  {named, "C-2", nil, "从前"},
		"a deleted field":               {everyCustom, "C-1", func(x *tenant) { x.SetCustomFields(fields()[1:]...) }, "?C-1"},
		"an option, no definitions":     {everyCustom, "C-2", narrow, "?" + noCustom},
		"a text, no definitions":        {everyCustom, "C-1", narrow, "文本"},
		"a link, no definitions":        {everyCustom, "C-9", narrow, "https://a"},
		"nothing, no definitions":       {`[]`, "C-1", narrow, "?" + noCustom},
		"nothing":                       {`[]`, "C-1", nil, ""},
		"no option":                     {`[]`, "C-2", nil, ""},
		"access is closed":              {everyCustom, "C-1", func(x *tenant) { x.CloseCustomFields(true) }, "?"},
		"a field of another type":       {everyCustom, "C-4", func(x *tenant) { x.SetCustomFields(feishusim.CustomField{ID: "C-4", Type: "TEXT"}) }, "?C-4"},
		"a list that is none":           {`{"id":"C-1"}`, "C-1", nil, "?contact:user.employee:readonly"},
		"a user who cannot be ours":     {`[{"type":"GENERIC_USER","id":"C-4","value":{"generic_user":{"id":"ou_1"}}}]`, "C-4", nil, "?employee_id"},
		"only an address for computers": {`[{"type":"HREF","id":"C-9","value":{"pc_url":"https://pc"}}]`, "C-9", nil, "https://pc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := customTenant(t)
			x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(c.attrs)})
			if c.shape != nil {
				c.shape(x)
			}
			s := x.read(t)
			o, _ := s.Get(userKey("u1"))
			got := o.Attributes["custom."+c.field]
			why, unknown := strings.CutPrefix(c.want, "?")
			if unknown != (got.Type() == directory.Unknown) || !strings.Contains(got.Permission(), why) && unknown || !unknown && got.String() != c.want {
				t.Errorf("%s %q (%s), want %q", got.Type(), got, got.Permission(), c.want)
			}
			if !s.Complete() {
				t.Errorf("incomplete for %s", s.Health.PartialFor)
			}
		})
	}
}

// TestCustomTypeIsBound: a type of the configuration that is not the tenant's makes
// the field unknown, with definitions and without.
func TestCustomTypeIsBound(t *testing.T) {
	t.Parallel()
	for _, attrs := range []string{everyCustom, `[]`} {
		x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.CustomAttributes = []string{"C-1:href", "C-2:text"} })
		x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(attrs)})
		for _, shape := range []func(){func() {}, func() { narrow(x) }} {
			shape()
			o, _ := x.read(t).Get(userKey("u1"))
			for _, name := range []string{"custom.C-1", "custom.C-2"} {
				if got := o.Attributes[name]; got.Type() != directory.Unknown {
					t.Errorf("%s of %s is %s %q", name, attrs, got.Type(), got)
				}
			}
		}
	}
}

func TestCustomWrites(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field string
		value directory.Value
		want  string // in what is stored
		gone  string // no more in what is stored
	}{
		"text":              {"C-1", directory.TextOf("新"), `"value":{"text":"新"}`, "文本"},
		"text cleared":      {"C-1", directory.TextOf(""), `"value":{"text":""}`, "文本"},
		"option":            {"C-2", directory.TextOf("汉族"), `"option_id":"o1"`, `"o2"`},
		"option cleared":    {"C-2", directory.TextOf(""), `"C-1"`, `"C-2"`},
		"picture":           {"C-3", directory.TextOf("金牌"), `"option_id":"p1"`, "金牌"},
		"user":              {"C-4", directory.RefsToKind(directory.User, "u1"), `"generic_user":{"id":"u1","type":1}`, `"boss"`},
		"user cleared":      {"C-4", directory.RefsTo(), `"C-1"`, `"C-4"`},
		"link keeps titles": {"C-9", directory.TextOf("https://b"), `{"pc_url":"https://pc","text":"主页","url":"https://b"}`, "https://a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := customTenant(t)
			x.user(t, feishusim.User{UserID: "boss", Name: "老板"})
			u := x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(everyCustom)})
			if _, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"custom." + c.field: c.value})); err != nil {
				t.Fatal(err)
			}
			after, _ := x.User(u.OpenID)
			stored := string(after.CustomAttrs)
			if !strings.Contains(stored, c.want) || strings.Contains(stored, c.gone) || !strings.Contains(stored, "C-9") {
				t.Errorf("stored %s, want %s and no %s", stored, c.want, c.gone)
			}
			if got := x.look(t, "u1").Object.Attributes["custom."+c.field]; !got.Equal(c.value) {
				t.Errorf("read back as %q", got)
			}
		})
	}
}

func TestCustomWritesThatAreRefused(t *testing.T) {
	t.Parallel()
	one := func(id string, v directory.Value) directory.Attributes {
		return directory.Attributes{"custom." + id: v}
	}
	for name, c := range map[string]struct {
		after directory.Attributes
		shape func(x *tenant)
		kind  fault.Kind
		say   string
	}{
		"unknown option":       {one("C-2", directory.TextOf("藏族")), nil, fault.Invalid, "汉族, 回族"},
		"two options":          {one("C-2", directory.TextOf("同名")), nil, fault.Invalid, "several options"},
		"too long":             {one("C-1", directory.TextOf(strings.Repeat("长", 101))), nil, fault.Invalid, "100"},
		"no such field":        {one("C-1", directory.TextOf("x")), func(x *tenant) { x.SetCustomFields(fields()[1:]...) }, fault.Invalid, "custom_attributes"},
		"another type":         {one("C-4", directory.RefsToKind(directory.User, "u1")), func(x *tenant) { x.SetCustomFields(feishusim.CustomField{ID: "C-4", Type: "TEXT"}) }, fault.Invalid, "another type"},
		"option, no meaning":   {one("C-2", directory.TextOf("汉族")), narrow, fault.Denied, noCustom},
		"closed":               {one("C-1", directory.TextOf("x")), func(x *tenant) { x.CloseCustomFields(true) }, fault.Denied, "allow the open platform"},
		"a text for a person":  {one("C-4", directory.TextOf("u1")), nil, fault.Invalid, "reference"},
		"several for a person": {one("C-4", directory.RefsToKind(directory.User, "u1", "boss")), nil, fault.Invalid, "only one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := customTenant(t)
			x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(`[]`)})
			if c.shape != nil {
				c.shape(x)
			}
			_, err := x.c.Apply(t.Context(), update("u1", c.after))
			if fault.KindOf(err) != c.kind || !strings.Contains(fault.Say(err), c.say) || len(x.Effects()) != 0 {
				t.Errorf("%v with %d effects, want %s with %q", err, len(x.Effects()), c.kind, c.say)
			}
		})
	}
}

// TestFirstCustomValue: who has no custom field at all may come without the list.
// That is read as empty when definitions and permission show it, and then it can be
// written as well.
func TestFirstCustomValue(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shape func(x *tenant)
		kind  fault.Kind
	}{"open": {func(*tenant) {}, ""}, "closed": {func(x *tenant) { x.CloseCustomFields(true) }, fault.Denied}, "no definitions": {narrow, fault.Denied}} {
		x := customTenant(t)
		x.user(t, feishusim.User{UserID: "u1", Name: "x"})
		x.front = func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case r.URL.Path == "/open-apis/application/v6/scopes":
				return answerJSON(w, http.StatusOK, `{"code":0,"data":{"scopes":[{"scope_name":"contact:user.employee:readonly","grant_status":1}]}}`)
			case r.Method == http.MethodGet && r.URL.Path == usersPath+"/u1":
				return answerJSON(w, http.StatusOK, `{"code":0,"data":{"user":{"user_id":"u1","name":"x","department_ids":["0"],"status":{"is_frozen":false}}}}`)
			default:
				return false
			}
		}
		c.shape(x)
		seen := x.look(t, "u1").Object.Attributes["custom.C-1"]
		if empty := seen.Type() != directory.Unknown && seen.IsEmpty(); empty != (c.kind == "") {
			t.Errorf("%s: seen as %s %q", name, seen.Type(), seen)
		}
		_, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"custom.C-1": directory.TextOf("新")}))
		if fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %q", name, err, c.kind)
		}
		if u, _ := x.User("u1"); strings.Contains(string(u.CustomAttrs), "新") != (c.kind == "") {
			t.Errorf("%s: stored %s", name, u.CustomAttrs)
		}
	}
}

// TestCustomTypesOfTheConfiguration: a type that is written needs no definitions.
func TestCustomTypesOfTheConfiguration(t *testing.T) {
	t.Parallel()
	x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.CustomAttributes = []string{"C-1:text", "C-4:user"} })
	narrow(x)
	x.user(t, feishusim.User{UserID: "boss", Name: "老板"})
	after := newcomer()
	after["custom.C-1"], after["custom.C-4"] = directory.TextOf("first"), directory.RefsToKind(directory.User, "boss")
	if _, err := x.c.Apply(t.Context(), create("u1", after)); err != nil {
		t.Fatal(err)
	}
	got := x.look(t, "u1").Object.Attributes
	if got["custom.C-1"].Text() != "first" || got["custom.C-4"].String() != "user:boss" {
		t.Errorf("read back as %q and %q", got["custom.C-1"], got["custom.C-4"])
	}
	if err := x.c.Probe(t.Context()); err != nil {
		t.Errorf("probe: %v", err)
	}
	x.SetScopes()
	x.SetCustomFields(feishusim.CustomField{ID: "C-1", Type: "HREF"})
	err := x.c.Probe(t.Context())
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "C-1") || strings.Contains(fault.Say(err), "C-4") {
		t.Errorf("probe of a wrong type, and of a person whom no list has: %v", err)
	}
	hidden := customTenant(t)
	narrow(hidden)
	if err := hidden.c.Probe(t.Context()); fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), noCustom) {
		t.Errorf("probe without definitions: %v", err)
	}
}

// TestCustomValueThatFeishuKeeps: a clear without effect is told.
func TestCustomValueThatFeishuKeeps(t *testing.T) {
	t.Parallel()
	x := customTenant(t)
	x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(everyCustom)})
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodPatch && answerJSON(w, http.StatusOK, `{"code":0,"data":{"user":{"custom_attrs":`+everyCustom+`}}}`)
	}
	_, err := x.c.Apply(t.Context(), update("u1", directory.Attributes{"custom.C-2": directory.TextOf("")}))
	if fault.KindOf(err) != fault.Denied || !strings.Contains(fault.Say(err), "custom.C-2") || strings.Contains(fault.Say(err), "custom.C-1") {
		t.Errorf("error %v", err)
	}
}

// TestDefinitionsThatFail: no answer is no definition, and ends the reading of
// people, since what they hold could not be told.
func TestDefinitionsThatFail(t *testing.T) {
	t.Parallel()
	x := customTenant(t)
	x.department(t, "甲部", "")
	x.user(t, feishusim.User{UserID: "u1", Name: "x", CustomAttrs: json.RawMessage(everyCustom)})
	x.Inject(feishusim.Fault{Path: customPath, Status: http.StatusBadGateway, Body: "<html>", Times: -1})
	if s := x.read(t); s.Complete() || s.Len(directory.User) != 0 {
		t.Errorf("%d users, incomplete for %q", s.Len(directory.User), s.Health.PartialFor)
	}
	x.ClearFaults()
	x.Inject(feishusim.Fault{Path: customPath, Code: 404, Times: -1})
	s := x.read(t)
	o, _ := s.Get(userKey("u1"))
	if !s.Complete() || o.Attributes["custom.C-2"].Type() != directory.Unknown {
		t.Errorf("an edition without definitions: %q, %s", s.Health.PartialFor, o.Attributes["custom.C-2"].Type())
	}
}
