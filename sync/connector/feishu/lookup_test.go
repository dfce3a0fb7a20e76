package feishu_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/feishu"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestLookupCodes: only a code that says 'does not exist' means gone.
func TestLookupCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]connector.Presence{
		99992351: connector.Gone, 99992359: connector.Gone, 99992360: connector.Gone, 42006: connector.Gone,
		99992361: connector.Unsure, 99992364: connector.Unsure, 99992381: connector.Unsure, 41050: connector.Unsure,
		40004: connector.Unsure, 41012: connector.Unsure, 99992402: connector.Unsure, 4711: connector.Unsure,
	} {
		x := newTenant(t, nil)
		x.Inject(feishusim.Fault{Path: usersPath, Code: code, Times: -1})
		got := x.look(t, "u1")
		if got.Presence != want || want == connector.Unsure && !strings.Contains(got.Why, " / ") {
			t.Errorf("%d: presence %d (%s), want %d", code, got.Presence, got.Why, want)
		}
	}
}

func TestLookupOfSomebodyWhoResigned(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	for _, id := range []string{"u1", "u2", "u3"} {
		x.user(t, feishusim.User{UserID: id, Name: "x"})
	}
	if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey("u2")}); err != nil {
		t.Fatal(err)
	}
	if got := x.look(t, "u2").Presence; got != connector.Gone {
		t.Errorf("alone: presence %d", got)
	}
	seen, err := x.c.Lookup(t.Context(), directory.User, []directory.ID{"u1", "u2", "u3", "u9"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []connector.Presence{connector.Present, connector.Gone, connector.Present, connector.Gone} {
		if seen[i].Presence != want {
			t.Errorf("in a batch, place %d: presence %d, want %d", i, seen[i].Presence, want)
		}
	}
}

// TestLookupByTheWrongKindOfID: a changed user_id_type makes nobody a leaver.
func TestLookupByTheWrongKindOfID(t *testing.T) {
	t.Parallel()
	for idType, id := range map[string]directory.ID{feishu.UserID: "ou_1", feishu.OpenID: "u1"} {
		x := newTenant(t, func(_ *feishusim.Options, o *feishu.Options) { o.UserIDType = idType })
		seen, err := x.c.Lookup(t.Context(), directory.User, []directory.ID{id, id, id, "."})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range seen {
			if s.Presence != connector.Unsure {
				t.Errorf("%s asked for as %s has presence %d", id, idType, s.Presence)
			}
		}
		if _, err := x.c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: userKey(string(id))}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("delete of %s as %s: %v, want invalid", id, idType, err)
		}
		if n := x.Calls()["token.tenant"]; n != 0 {
			t.Errorf("%d calls for ids that cannot be ours", n)
		}
	}
}

func TestLookupThatAnswersWithAnother(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	for body, want := range map[string]string{
		`{"code":0,"data":{"user":{"user_id":"u2","status":{}}}}`: "another object",
		`{"code":0,"data":{}}`:                        "malformed",
		`{"code":0,"data":{"user":{"user_id":"u1"}}}`: "contact:user.employee:readonly",
		`{"code":0,"data":{"user":7}}`:                " / ",
	} {
		x.front = func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasPrefix(r.URL.Path, usersPath) && answerJSON(w, http.StatusOK, body)
		}
		if got := x.look(t, "u1"); got.Presence != connector.Unsure || !strings.Contains(got.Why, want) {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestLookupOfDepartments(t *testing.T) {
	t.Parallel()
	x := newTenant(t, nil)
	id := x.department(t, "甲部", "")
	x.front = func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/od-deleted") &&
			answerJSON(w, http.StatusOK, `{"code":0,"data":{"department":{"open_department_id":"od-deleted","name":"x","status":{"is_deleted":true}}}}`)
	}
	seen, err := x.c.Lookup(t.Context(), directory.Department, []directory.ID{directory.ID(id), "od-none", "od-deleted", "0"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []connector.Presence{connector.Present, connector.Gone, connector.Gone, connector.Unsure} {
		if seen[i].Presence != want {
			t.Errorf("place %d: presence %d (%s), want %d", i, seen[i].Presence, seen[i].Why, want)
		}
	}
}
