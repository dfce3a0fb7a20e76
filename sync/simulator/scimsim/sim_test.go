package scimsim_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

type service struct {
	*scimsim.Sim
	t    *testing.T
	base string
}

func newService(t *testing.T, o scimsim.Options) *service {
	t.Helper()
	s := &service{Sim: scimsim.New(o), t: t}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	s.base = server.URL
	return s
}

// ask makes a call and gives its status and answer.
func (s *service) ask(method, path, body string, headers ...string) (int, map[string]any) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer scim-token")
	request.Header.Set("Content-Type", "application/scim+json")
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return -1, nil
	}
	var out map[string]any
	_ = json.Unmarshal(data, &out) // 204 has no body
	return response.StatusCode, out
}

const (
	userSchema  = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`
	groupSchema = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:Group"]`
)

func patch(ops string) string {
	return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + ops + `]}`
}

// TestStrict checks statuses and scimTypes of requests, most of them wrong.
func TestStrict(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		scimType           string
	}{
		"a user":               {"POST", "/Users", `{` + userSchema + `,"userName":"b"}`, 201, ""},
		"no schema":            {"POST", "/Users", `{"userName":"b"}`, 400, "invalidValue"},
		"no name":              {"POST", "/Users", `{` + userSchema + `}`, 400, "invalidValue"},
		"a name in use":        {"POST", "/Users", `{` + userSchema + `,"userName":"A"}`, 409, "uniqueness"},
		"unknown attribute":    {"POST", "/Users", `{` + userSchema + `,"userName":"b","x":1}`, 400, "invalidPath"},
		"another type":         {"POST", "/Users", `{` + userSchema + `,"userName":"b","active":"False"}`, 400, "invalidValue"},
		"no JSON":              {"POST", "/Users", `{`, 400, "invalidSyntax"},
		"a stranger as member": {"POST", "/Groups", `{` + groupSchema + `,"displayName":"g","members":[{"value":"x"}]}`, 400, "invalidValue"},
		"not there":            {"GET", "/Users/x", ``, 404, ""},
		"no such endpoint":     {"GET", "/Robots", ``, 404, ""},
		"another filter":       {"GET", "/Users?filter=userName%20co%20%22a%22", ``, 400, "invalidFilter"},
		"a replace":            {"PATCH", "/Users/u-00001", patch(`{"op":"replace","path":"title","value":"x"}`), 200, ""},
		"a capital op":         {"PATCH", "/Users/u-00001", patch(`{"op":"Replace","path":"title","value":"x"}`), 200, ""},
		"an odd op":            {"PATCH", "/Users/u-00001", patch(`{"op":"move","path":"title"}`), 400, "invalidSyntax"},
		"no match":             {"PATCH", "/Users/u-00001", patch(`{"op":"replace","path":"emails[type eq \"work\"].value","value":"x"}`), 400, "noTarget"},
		"remove nothing":       {"PATCH", "/Users/u-00001", patch(`{"op":"remove"}`), 400, "noTarget"},
		"the id":               {"PATCH", "/Users/u-00001", patch(`{"op":"replace","path":"id","value":"x"}`), 400, "mutability"},
		"a text for a truth":   {"PATCH", "/Users/u-00001", patch(`{"op":"replace","path":"active","value":"False"}`), 400, "invalidValue"},
		"remove by value":      {"PATCH", "/Groups/g-00003", patch(`{"op":"remove","path":"members","value":[{"value":"u-00001"}]}`), 400, "invalidValue"},
		"no PatchOp":           {"PATCH", "/Users/u-00001", `{"Operations":[]}`, 400, "invalidSyntax"},
		"another id":           {"PUT", "/Users/u-00001", `{` + userSchema + `,"userName":"a","id":"x"}`, 400, "mutability"},
		"delete":               {"DELETE", "/Users/u-00001", ``, 204, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, scimsim.Options{})
			user, err := s.AddUser(scimsim.Resource{"schemas": []string{scimsim.SchemaUser}, "userName": "a"})
			if err != nil || user != "u-00001" {
				t.Fatal(user, err)
			}
			group, err := s.AddGroup(scimsim.Resource{"schemas": []string{scimsim.SchemaGroup}, "displayName": "g", "members": []any{map[string]any{"value": user}}})
			if err != nil || group != "g-00003" {
				t.Fatal(group, err)
			}
			status, got := s.ask(c.method, c.path, c.body)
			scimType, _ := got["scimType"].(string)
			if status != c.status || scimType != c.scimType {
				t.Errorf("%d %q, want %d %q: %v", status, scimType, c.status, c.scimType, got)
			}
			if refused := status >= 400; refused != (len(s.Effects()) == 0) && c.method != http.MethodGet {
				t.Errorf("status %d with %d effects", status, len(s.Effects()))
			}
		})
	}
}

// TestPages checks totals, the first index, and what is beyond the end.
func TestPages(t *testing.T) {
	t.Parallel()
	s := newService(t, scimsim.Options{MaxPage: 2})
	for _, n := range []string{"a", "b", "c"} {
		if _, err := s.AddUser(scimsim.Resource{"schemas": []string{scimsim.SchemaUser}, "userName": n}); err != nil {
			t.Fatal(err)
		}
	}
	for query, want := range map[string]int{"": 2, "?startIndex=3": 1, "?startIndex=4": 0, "?count=0": 0, "?startIndex=0&count=1": 1, "?filter=userName%20eq%20%22B%22": 1} {
		_, got := s.ask(http.MethodGet, "/Users"+query, "")
		rows, ok := got["Resources"].([]any)
		total := 3.0
		if strings.Contains(query, "filter") {
			total = 1
		}
		if !ok || len(rows) != want || got["totalResults"] != total {
			t.Errorf("%q: %d rows of %v, want %d", query, len(rows), got["totalResults"], want)
		}
	}
}

// TestFaults checks that an answer can be lost after its effect and before it.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := newService(t, scimsim.Options{})
	body := `{` + userSchema + `,"userName":"b"}`
	s.Inject(scimsim.Fault{Op: "write", Before: true})
	s.Inject(scimsim.Fault{Op: "POST Users", Drop: true})
	s.Inject(scimsim.Fault{Status: 429, RetryAfter: "3"})
	for i, want := range []struct{ status, effects int }{{0, 0}, {0, 1}, {429, 1}, {409, 1}} {
		if status, _ := s.ask(http.MethodPost, "/Users", body); status != want.status || len(s.Effects()) != want.effects {
			t.Errorf("call %d: %d with %d effects, want %+v", i+1, status, len(s.Effects()), want)
		}
	}
}

// TestVersions checks If-Match.
func TestVersions(t *testing.T) {
	t.Parallel()
	s := newService(t, scimsim.Options{ETags: true})
	id, err := s.AddUser(scimsim.Resource{"schemas": []string{scimsim.SchemaUser}, "userName": "a"})
	if err != nil {
		t.Fatal(err)
	}
	change := patch(`{"op":"replace","path":"title","value":"x"}`)
	_, got := s.ask(http.MethodGet, "/Users/"+id, "")
	meta, _ := got["meta"].(map[string]any)
	version, _ := meta["version"].(string)
	for _, want := range []int{200, 412} {
		if status, _ := s.ask(http.MethodPatch, "/Users/"+id, change, "If-Match", version); status != want {
			t.Errorf("%d, want %d", status, want)
		}
	}
	if status, _ := s.ask(http.MethodGet, "/Users", "", "Authorization", "Bearer x"); status != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", status)
	}
}

func TestOmit(t *testing.T) {
	t.Parallel()
	s := newService(t, scimsim.Options{})
	id, err := s.AddUser(scimsim.Resource{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "amy"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		omit  []string
		total float64
	}{{[]string{id}, 0}, {nil, 1}} {
		s.Omit(c.omit...)
		if _, list := s.ask(http.MethodGet, "/Users", ""); list["totalResults"] != c.total {
			t.Errorf("without %v: %v", c.omit, list)
		}
		if status, _ := s.ask(http.MethodGet, "/Users/"+id, ""); status != http.StatusOK {
			t.Errorf("asked for alone: %d", status)
		}
	}
}
