package feishu_test

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/connectortest"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestConformanceWithEverything runs the suite with every option on.
func TestConformanceWithEverything(t *testing.T) {
	t.Parallel()
	connectortest.Run(t, func(t *testing.T) connectortest.Harness {
		t.Helper()
		x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) {
			o.CustomAttributes = []string{"C-1:text", "C-2:enum", "C-4:user"}
			o.Leads, o.Resurrect = true, true
		})
		return (&bench{tenant: x, idType: feishu.UserID}).harness(t)
	})
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, idType := range []string{feishu.UserID, feishu.OpenID} {
		t.Run(idType, func(t *testing.T) {
			t.Parallel()
			connectortest.Run(t, func(t *testing.T) connectortest.Harness {
				t.Helper()
				x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.UserIDType = idType })
				h := (&bench{tenant: x, idType: idType}).harness(t)
				if idType == feishu.OpenID {
					h.Connector = spelled{x.c}
				}
				return h
			})
		})
	}
}

// spelled turns the suite's id of nobody into one that looks like an open id:
// any other is refused as a mistake before it could pass for somebody who left.
type spelled struct{ *feishu.Connector }

func spell(key directory.Key) directory.Key {
	if key.Kind == directory.User && key.ID == "u99999" {
		key.ID = "ou_99999"
	}
	return key
}

func (s spelled) Lookup(ctx context.Context, kind directory.Kind, ids []directory.ID) ([]connector.Sighting, error) {
	asked := make([]directory.ID, len(ids))
	for i, id := range ids {
		asked[i] = spell(directory.Key{Kind: kind, ID: id}).ID
	}
	return s.Connector.Lookup(ctx, kind, asked)
}

func (s spelled) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	w.Key = spell(w.Key)
	return s.Connector.Apply(ctx, w)
}

// bench gives the suite its knobs on a simulated tenant.
type bench struct {
	*tenant
	idType string
}

func (b *bench) harness(t *testing.T) connectortest.Harness {
	t.Helper()
	h := connectortest.Harness{
		Connector: b.c, Page: 3, Depth: 20,
		Forbidden: map[directory.Kind]string{directory.Department: "/"},
		Secrets:   []string{"sim-secret"},
		SeedUser:  func(u connectortest.User) directory.ID { return b.seed(t, u) },
		SeedDepartment: func(d connectortest.Department) directory.ID {
			got, err := b.AddDepartment(feishusim.Department{DepartmentID: d.ID, Name: d.Name, Parent: string(d.Parent)})
			if err != nil {
				t.Error(err)
			}
			return directory.ID(got.OpenID)
		},
		Stored:        b.stored,
		NewUser:       b.newUser,
		NewDepartment: newDepartment,
		Effects:       func() int { return len(b.Effects()) },
		Calls: func() int {
			n := 0
			for _, c := range b.Calls() {
				n += c
			}
			return n
		},
		TokenCalls: func() int { return b.Calls()["token.tenant"] },
		Advance:    b.clock.advance,
		HideObject: func(key directory.Key) { b.hide(key) },
		Refusals:   b.refusals(),
	}
	b.readFaults(&h)
	b.writeFaults(&h)
	return h
}

func (b *bench) seed(t *testing.T, u connectortest.User) directory.ID {
	t.Helper()
	var in []string
	for _, id := range u.Departments {
		in = append(in, string(id))
	}
	got := b.user(t, feishusim.User{
		UserID: u.ID, Name: u.Name, Mobile: "+86" + u.Mobile, Email: u.Email, JobTitle: u.Title,
		Departments: in, Frozen: u.Disabled, Activated: true,
	})
	return b.idOf(got)
}

func (b *bench) idOf(u feishusim.User) directory.ID {
	if b.idType == feishu.OpenID {
		return directory.ID(u.OpenID)
	}
	return directory.ID(u.UserID)
}

func (b *bench) stored(key directory.Key) (connectortest.Stored, bool) {
	if key.Kind == directory.Department {
		d, ok := b.Department(string(key.ID))
		parent := directory.ID(d.Parent)
		if parent == "0" {
			parent = ""
		}
		return connectortest.Stored{Name: d.Name, Active: true, Parent: parent}, ok
	}
	u, ok := b.User(string(key.ID))
	s := connectortest.Stored{Name: u.Name, Active: !u.Frozen}
	for _, id := range u.Departments {
		if id != "0" {
			s.Departments = append(s.Departments, directory.ID(id))
		}
	}
	return s, ok && !u.Resigned
}

func (b *bench) newUser(u connectortest.User) directory.Attributes {
	return directory.Attributes{
		"user_id":                 directory.TextOf(u.ID),
		directory.AttrName:        directory.TextOf(u.Name),
		directory.AttrMobile:      directory.TextOf("+86" + u.Mobile),
		directory.AttrEmail:       directory.TextOf(u.Email),
		directory.AttrTitle:       directory.TextOf(u.Title),
		directory.AttrDepartments: directory.RefsToKind(directory.Department, u.Departments...),
	}
}

func newDepartment(d connectortest.Department) directory.Attributes {
	parent := directory.RefsTo()
	if d.Parent != "" {
		parent = directory.RefsToKind(directory.Department, d.Parent)
	}
	return directory.Attributes{directory.AttrName: directory.TextOf(d.Name), directory.AttrParent: parent}
}

// hide leaves everybody but one person in the app's contact range.
func (b *bench) hide(key directory.Key) {
	scope := &feishusim.ContactScope{}
	for _, d := range b.Departments() {
		if d.OpenID != string(key.ID) {
			scope.Departments = append(scope.Departments, d.OpenID)
		}
	}
	for _, u := range b.Users() {
		if b.idOf(u) != key.ID {
			scope.Users = append(scope.Users, u.OpenID)
		}
	}
	b.SetContactScope(scope)
}

func (b *bench) readFaults(h *connectortest.Harness) {
	onPage := func(page, times int, f feishusim.Fault) {
		f.Path, f.Skip, f.Times = listPath, page-1, times
		b.Inject(f)
	}
	h.RateLimit = func(page, times int) { onPage(page, times, feishusim.Fault{Code: 99991400}) }
	h.FailPage = func(page, times int) {
		onPage(page, times, feishusim.Fault{Status: http.StatusBadGateway, Body: "<html>"})
	}
	h.TruncatePage = func(page int) {
		onPage(page, -1, feishusim.Fault{Status: http.StatusOK, Body: `{"code":0,"data":{"has_more":false,"items":[{"user_id":"u0`})
	}
	h.ExpireToken = func(page int) { onPage(page, 1, feishusim.Fault{Delay: func(context.Context) { b.RevokeTokens() }}) }
	h.WrongCredentials = func() {
		b.RevokeTokens()
		b.Inject(feishusim.Fault{Path: tokenPath, Times: -1, Code: 10015, Msg: "app secret invalid"})
	}
	h.Down = func() { b.Inject(feishusim.Fault{Times: -1, Status: http.StatusServiceUnavailable, Body: "<html>"}) }
	h.HangRead = func() <-chan struct{} {
		arrived := make(chan struct{})
		b.Inject(feishusim.Fault{Path: contactsPath, Delay: func(ctx context.Context) {
			close(arrived)
			<-ctx.Done()
		}})
		return arrived
	}
	h.HidePermission = func() []connectortest.HiddenAttribute {
		b.SetScopes("contact:contact", "contact:contact:readonly_as_app", "contact:user.employee_id:readonly", "contact:user.phone:readonly")
		return []connectortest.HiddenAttribute{
			{Kind: directory.User, Name: directory.AttrEmail, Permission: "contact:user.email:readonly"},
			{Kind: directory.User, Name: "enterprise_email", Permission: "contact:user.email:readonly"},
		}
	}
}

// nextWrite arms a fault for the next write, whatever its verb.
func (b *bench) nextWrite(f feishusim.Fault) {
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		f.Method, f.Path = method, contactsPath
		b.Inject(f)
	}
}

func (b *bench) writeFaults(h *connectortest.Harness) {
	h.HangWrite = func() <-chan struct{} {
		arrived := make(chan struct{})
		var once sync.Once
		b.nextWrite(feishusim.Fault{After: func(ctx context.Context) {
			once.Do(func() { close(arrived) })
			<-ctx.Done()
		}})
		return arrived
	}
	h.CutAfterEffect = func() { b.nextWrite(feishusim.Fault{Drop: true}) }
	h.CutBeforeEffect = func() { b.nextWrite(feishusim.Fault{Before: true}) }
	h.LimitWrite = func() { b.nextWrite(feishusim.Fault{Code: 99991400}) }
}

func (b *bench) refusals() []connectortest.Refusal {
	var out []connectortest.Refusal
	at := func(code int, write bool, kinds ...fault.Kind) {
		f := feishusim.Fault{Path: contactsPath, Code: code, Times: -1}
		if write {
			f = feishusim.Fault{Path: usersPath, Method: http.MethodPost, Code: code}
		}
		out = append(out, connectortest.Refusal{
			Name: strconv.Itoa(code), Write: write, Kinds: kinds, Arm: func() { b.Inject(f) },
		})
	}
	for _, row := range readTable() {
		at(row.code, false, row.kind)
	}
	for _, row := range writeTable() {
		at(row.code, true, row.kind)
	}
	return out
}
