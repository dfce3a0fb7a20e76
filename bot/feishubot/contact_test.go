package feishubot

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// heard is a Contacts that remembers.
type heard struct {
	mu    sync.Mutex
	hints []directory.Hint
}

func (h *heard) tell(_ context.Context, hints []directory.Hint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hints = append(h.hints, hints...)
}

func (h *heard) all() []directory.Hint {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.hints)
}

// TestContactEvents checks what each contact event says, by callback, where a
// forged one says nothing, and by the long connection.
func TestContactEvents(t *testing.T) {
	t.Parallel()
	got := &heard{}
	w := setup(t, func(_ *feishusim.Options, o *Options) { o.Contacts, o.UserIDType = got.tell, "user_id" })
	added, err := w.sim.AddDepartment(feishusim.Department{Name: "研发部"})
	if err != nil {
		t.Fatal(err)
	}
	id := added.OpenID
	if _, err := w.sim.AddUser(feishusim.User{UserID: "0001", Name: "新人", Mobile: "+8613900000001"}); err != nil {
		t.Fatal(err)
	}
	user := func(kind string) feishusim.Event {
		e, err := w.sim.UserEvent(kind, "0001", nil)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	department := func(kind string) feishusim.Event {
		e, err := w.sim.DepartmentEvent(kind, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	u, d := directory.Key{Kind: directory.User, ID: "0001"}, directory.Key{Kind: directory.Department, ID: directory.ID(id)}
	for name, c := range map[string]struct {
		event feishusim.Event
		want  []directory.Hint
	}{
		"user created":       {user("created"), []directory.Hint{{Key: u}}},
		"user updated":       {user("updated"), []directory.Hint{{Key: u}}},
		"user deleted":       {user("deleted"), []directory.Hint{{Key: u, Gone: true}}},
		"department created": {department("created"), []directory.Hint{{Key: d}}},
		"department deleted": {department("deleted"), []directory.Hint{{Key: d, Gone: true}}},
		"range wider":        {w.sim.ScopeEvent(feishusim.ContactScope{Users: []string{"0001"}}, feishusim.ContactScope{}), []directory.Hint{{}}},
		"range narrower":     {w.sim.ScopeEvent(feishusim.ContactScope{}, feishusim.ContactScope{Departments: []string{id}}), []directory.Hint{{Shrunk: true}}},
		"range as it was":    {w.sim.ScopeEvent(feishusim.ContactScope{}, feishusim.ContactScope{}), nil},
		"an id that is hidden": {
			w.sim.NewEvent("contact.user.updated_v3", map[string]any{"object": map[string]any{"open_id": "ou_1"}}),
			[]directory.Hint{{Key: directory.Key{Kind: directory.User}}},
		},
		"another thing":     {w.sim.NewEvent("contact.user.renamed_v9", map[string]any{"object": map[string]any{"user_id": "0001"}}), nil},
		"an employee type":  {w.sim.NewEvent("contact.employee_type_enum.created_v3", map[string]any{}), nil},
		"no object":         {w.sim.NewEvent("contact.user.updated_v3", map[string]any{}), nil},
		"an id of a number": {w.sim.NewEvent("contact.user.updated_v3", map[string]any{"object": map[string]any{"user_id": 7}}), nil},
	} {
		before := len(got.all())
		if a := w.post(t, c.event, feishusim.Forgery{}); a.Status != http.StatusOK {
			t.Errorf("%s: %d", name, a.Status)
		}
		if hints := got.all()[before:]; !slices.Equal(hints, c.want) {
			t.Errorf("%s: %+v, want %+v", name, hints, c.want)
		}
		before = len(got.all())
		if a := w.post(t, c.event, feishusim.Forgery{BadSignature: true}); a.Status != http.StatusUnauthorized || len(got.all()) != before {
			t.Errorf("%s, forged: %d, %+v", name, a.Status, got.all()[before:])
		}
	}
	if len(w.inbox.all()) != 0 {
		t.Errorf("taken for messages: %+v", w.inbox.all())
	}
}
