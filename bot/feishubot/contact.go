package feishubot

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// The prefixes and types of contact events. Source: the vendor's pages of
// contact.user.*_v3, contact.department.*_v3 and contact.scope.updated_v3.
const (
	userEvents       = "contact.user."
	departmentEvents = "contact.department."
	scopeEvent       = "contact.scope.updated_v3"
)

// contactChanged tells that the tenant's contacts changed, when the event is one
// about them. What the event says of them is not believed: whoever is told asks.
func (b *Bot) contactChanged(ctx context.Context, e *envelope) {
	if b.o.Contacts == nil {
		return
	}
	hints, ok := b.hints(e)
	if !ok {
		b.refuse(ctx, badEvent) // it would be no better when it came again
		return
	}
	if len(hints) > 0 {
		b.o.Contacts(ctx, hints)
	}
}

func (b *Bot) hints(e *envelope) ([]directory.Hint, bool) {
	kind, action := directory.User, ""
	switch rest, user := strings.CutPrefix(e.Header.Type, userEvents); {
	case e.Header.Type == scopeEvent:
		return scopeHints(e.Event)
	case user:
		action = rest
	case strings.HasPrefix(e.Header.Type, departmentEvents):
		kind, action = directory.Department, strings.TrimPrefix(e.Header.Type, departmentEvents)
	}
	switch action {
	case "created_v3", "updated_v3", "deleted_v3":
	default:
		return nil, true // of things that are not kept here
	}
	var in struct {
		Object map[string]json.RawMessage `json:"object"`
	}
	if json.Unmarshal(e.Event, &in) != nil || in.Object == nil {
		return nil, false
	}
	// An id that the app may not see leaves the hint without a name.
	name := b.o.UserIDType
	if kind == directory.Department {
		name = "open_department_id"
	}
	var id string
	if raw, given := in.Object[name]; given && json.Unmarshal(raw, &id) != nil {
		return nil, false
	}
	return []directory.Hint{{Key: directory.Key{Kind: kind, ID: directory.ID(id)}, Gone: action == "deleted_v3"}}, true
}

// scopeHints reads how the app's contact range changed. What came in is for a full
// reading.
func scopeHints(raw json.RawMessage) ([]directory.Hint, bool) {
	type side struct {
		Departments []json.RawMessage `json:"departments"`
		Users       []json.RawMessage `json:"users"`
		Groups      []json.RawMessage `json:"user_groups"`
	}
	var in struct {
		Added   side `json:"added"`
		Removed side `json:"removed"`
	}
	if json.Unmarshal(raw, &in) != nil {
		return nil, false
	}
	some := func(s side) bool { return len(s.Departments)+len(s.Users)+len(s.Groups) > 0 }
	var hints []directory.Hint
	if some(in.Removed) {
		hints = append(hints, directory.Hint{Shrunk: true})
	}
	if some(in.Added) {
		hints = append(hints, directory.Hint{})
	}
	return hints, true
}
