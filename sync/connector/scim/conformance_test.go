package scim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// TestConformance runs the suite on the services that there are.
func TestConformance(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		groups bool
		adjust func(*scimsim.Options, *scim.Options)
	}{
		"standard": {true, func(*scimsim.Options, *scim.Options) {}},
		"etags":    {true, func(s *scimsim.Options, _ *scim.Options) { s.ETags, s.NoContent = true, true }},
		"okta":     {true, func(_ *scimsim.Options, o *scim.Options) { o.Dialect = scim.Okta }},
		"entra":    {true, func(s *scimsim.Options, o *scim.Options) { o.Dialect, s.Lenient = scim.Entra, true }},
		"bare": {true, func(s *scimsim.Options, _ *scim.Options) {
			s.NoUserGroups, s.NoFilter, s.DropExternal, s.MaxPage = true, true, true, pageSize
		}},
		"no patch": {false, func(s *scimsim.Options, o *scim.Options) {
			s.NoPatch, s.IgnoreFilter, o.Departments = true, true, scim.NoGroups
		}},
		"groups": {false, func(_ *scimsim.Options, o *scim.Options) { o.Departments = scim.Groups }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, func(t *testing.T) connectortest.Harness {
				b := newBench(t, c.adjust)
				h := b.harness(c.groups)
				if name == "bare" { // what forgets externalId cannot be read back as written
					whole := h.NewUser
					h.NewUser = func(u connectortest.User) directory.Attributes {
						a := whole(u)
						delete(a, "externalId")
						return a
					}
				}
				return h
			})
		})
	}
}

// refusals are answers of a service and what each has to become.
func (b *bench) refusals() []connectortest.Refusal {
	type row struct {
		status   int
		scimType string
		write    []fault.Kind
		read     []fault.Kind
	}
	invalid, conflict, unsupported := []fault.Kind{fault.Invalid}, []fault.Kind{fault.Conflict}, []fault.Kind{fault.Unsupported}
	var list []connectortest.Refusal
	for _, r := range []row{
		{400, "", invalid, invalid},
		{400, "invalidFilter", unsupported, unsupported},
		{400, "tooMany", invalid, invalid},
		{409, "uniqueness", conflict, nil},
		{400, "uniqueness", conflict, nil},
		{400, "mutability", invalid, nil},
		{400, "invalidSyntax", invalid, nil},
		{400, "invalidPath", invalid, nil},
		{400, "noTarget", invalid, nil},
		{400, "invalidValue", invalid, invalid},
		{400, "invalidVers", unsupported, unsupported},
		{400, "sensitive", unsupported, unsupported},
		{401, "", []fault.Kind{fault.Credential}, []fault.Kind{fault.Credential}},
		{403, "", []fault.Kind{fault.Credential}, []fault.Kind{fault.Credential}},
		{404, "", invalid, invalid},
		{405, "", unsupported, nil},
		{408, "", []fault.Kind{fault.InDoubt}, []fault.Kind{fault.Unavailable}},
		{409, "", conflict, nil},
		{412, "", conflict, nil},
		{413, "", invalid, nil},
		{415, "", invalid, nil},
		{428, "", unsupported, nil},
		{429, "", []fault.Kind{fault.Limited}, []fault.Kind{fault.Limited}},
		{500, "", []fault.Kind{fault.InDoubt}, []fault.Kind{fault.Unavailable}},
		{501, "", unsupported, unsupported},
		{503, "", []fault.Kind{fault.InDoubt}, []fault.Kind{fault.Unavailable}},
		{302, "", invalid, invalid},
		{308, "", invalid, invalid},
		{418, "", invalid, invalid},
	} {
		name := strings.TrimSpace(fmt.Sprint(r.status, " ", r.scimType))
		f := scimsim.Fault{Op: "POST Users", Status: r.status, ScimType: r.scimType, Location: "https://elsewhere.example/"}
		list = append(list, connectortest.Refusal{Name: name, Write: true, Kinds: r.write, Arm: func() { b.Inject(f) }})
		if r.read != nil {
			g := f
			g.Op, g.Times = "GET Users", -1
			list = append(list, connectortest.Refusal{Name: name, Kinds: r.read, Arm: func() { b.Inject(g) }})
		}
	}
	slices.SortFunc(list, func(x, y connectortest.Refusal) int { return strings.Compare(x.Name, y.Name) })
	return list
}
