package scim_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/simulator/scimsim"
)

// stub answers by path and query; what it has no answer for is a healthy, small
// service without discovery.
type stub map[string]string

func (s stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, ok := s[r.URL.RequestURI()]
	if !ok {
		answer, ok = s[r.URL.Path]
	}
	if !ok {
		answer, ok = map[string]string{
			"/Users":  `{"totalResults":2,"Resources":[{"id":"a","userName":"amy","active":true},{"id":"b","userName":"bob","active":true}]}`,
			"/Groups": `{"totalResults":1,"Resources":[{"id":"g","displayName":"研发","members":[{"value":"a"}]}]}`,
		}[r.URL.Path]
	}
	if !ok {
		answer = `404|{}`
	}
	if status, body, cut := strings.Cut(answer, "|"); cut {
		w.Header().Set("Location", "http://elsewhere.example/")
		var code int
		if _, err := fmt.Sscan(status, &code); err == nil {
			w.WriteHeader(code)
		}
		answer = body
	}
	_, _ = io.WriteString(w, answer) // a client that is gone is its own affair
}

func options(base string) scim.Options {
	b := &bench{now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	return scim.Options{URL: base, Token: token, HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, Now: b.clock, Sleep: b.sleep, PageSize: 2}
}

func connect(t *testing.T, h http.Handler, adjust ...func(*scim.Options)) *scim.Connector {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o := options(server.URL)
	for _, f := range adjust {
		f(&o)
	}
	c, err := scim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestOddListings checks what a read makes of listings that are not what they
// should be: none of them proves an absence.
func TestOddListings(t *testing.T) {
	t.Parallel()
	page := func(start int) string { return fmt.Sprintf("/Users?count=2&startIndex=%d", start) }
	for name, c := range map[string]struct {
		stub stub
		kind fault.Kind // of Read's error
		part string     // of PartialFor; "" = complete
	}{
		"healthy":            {stub{}, "", ""},
		"numbers as texts":   {stub{"/Users": `{"totalResults":"2","Resources":[{"id":"a"},{"id":"b"}]}`}, "", ""},
		"other case":         {stub{"/Users": `{"TotalResults":2,"resources":[{"ID":"a"},{"Id":"b"}]}`}, "", ""},
		"a page of HTML":     {stub{"/Users": `<html>`}, fault.Unavailable, ""},
		"null":               {stub{"/Users": `null`}, fault.Unavailable, ""},
		"nothing":            {stub{"/Users": ``}, fault.Unavailable, ""},
		"an object":          {stub{"/Users": `{}`}, fault.Unavailable, ""},
		"two values":         {stub{"/Users": `{"totalResults":0} {}`}, fault.Unavailable, ""},
		"a negative total":   {stub{"/Users": `{"totalResults":-1,"Resources":[]}`}, fault.Unavailable, ""},
		"Resources no list":  {stub{"/Users": `{"totalResults":1,"Resources":{"id":"a"}}`}, fault.Unavailable, ""},
		"no total":           {stub{page(1): `{"Resources":[{"id":"a"},{"id":"b"}]}`, page(3): `{"Resources":[]}`}, "", "does not say"},
		"fewer than said":    {stub{page(1): `{"totalResults":3,"Resources":[{"id":"a"},{"id":"b"}]}`, page(3): `{"totalResults":3,"Resources":[]}`}, "", "has 3 objects and listed 2"},
		"more than said":     {stub{"/Users": `{"totalResults":1,"Resources":[{"id":"a"},{"id":"b"}]}`}, "", "has 1 objects and listed 2"},
		"the total changes":  {stub{page(1): `{"totalResults":4,"Resources":[{"id":"a"},{"id":"b"}]}`, page(3): `{"totalResults":3,"Resources":[{"id":"c"}]}`}, "", "changed"},
		"the same page":      {stub{"/Users": `{"totalResults":9,"Resources":[{"id":"a"},{"id":"b"}]}`}, "", "repeats"},
		"an id twice":        {stub{page(1): `{"totalResults":4,"Resources":[{"id":"a"},{"id":"b"}]}`, page(3): `{"totalResults":4,"Resources":[{"id":"b"},{"id":"c"}]}`}, "", "repeats"},
		"no id":              {stub{"/Users": `{"totalResults":3,"Resources":[{"id":"a"},{"id":"b"},{"userName":"c"}]}`}, "", "without an id"},
		"an odd row":         {stub{"/Users": `{"totalResults":3,"Resources":[{"id":"a"},{"id":"b"},7]}`}, "", "cannot be understood"},
		"a strange member":   {stub{"/Groups": `{"totalResults":1,"Resources":[{"id":"g","members":[{"value":"zoe"}]}]}`}, "", "not listed"},
		"a group in a group": {stub{"/Groups": `{"totalResults":2,"Resources":[{"id":"g","members":[{"value":"h"},{"value":"x","type":"Group"}]},{"id":"h","members":[{"value":"a"}]}]}`}, "", ""},
		"disagreement":       {stub{"/Users": `{"totalResults":2,"Resources":[{"id":"a","groups":[{"value":"g"}]},{"id":"b","groups":[{"value":"g"}]}]}`}, "", "disagree"},
		"no groups":          {stub{"/Groups": `404|{}`}, fault.Invalid, ""},
		"not here":           {stub{"/Users": `404|{}`}, fault.Invalid, ""},
		"a redirect":         {stub{"/Users": `302|{}`}, fault.Invalid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := connect(t, c.stub).Read(t.Context())
			noSecret(t, err)
			if fault.KindOf(err) != c.kind {
				t.Fatalf("%v, want %q", err, c.kind)
			}
			if err != nil {
				return
			}
			if got := s.Health.PartialFor; (got == "") != (c.part == "") || !strings.Contains(got, c.part) {
				t.Errorf("partial for %q, want %q", got, c.part)
			}
		})
	}
}

// TestTrees checks that departments which are no tree prove no absence.
func TestTrees(t *testing.T) {
	t.Parallel()
	group := func(id, parent string) string {
		return fmt.Sprintf(`{"id":%q,"displayName":"x","%s":{"parent":%q}}`, id, scimsim.SchemaDepartment, parent)
	}
	for name, c := range map[string]struct{ groups, part string }{
		"a tree":           {group("a", "") + "," + group("b", "a"), ""},
		"a parent as such": {group("a", "") + `,{"id":"b","` + scimsim.SchemaDepartment + `":{"parent":{"value":"a"}}}`, ""},
		"an orphan":        {group("a", "") + "," + group("b", "z"), "not listed"},
		"a circle":         {group("a", "b") + "," + group("b", "a"), "below itself"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, stub{"/Groups": `{"totalResults":2,"Resources":[` + c.groups + `]}`}, func(o *scim.Options) { o.Departments = scim.Extension })
			s, err := conn.Read(t.Context())
			if err != nil || !strings.Contains(s.Health.PartialFor, c.part) || (c.part == "") != s.Complete() {
				t.Errorf("%v %q", err, s.Health.PartialFor)
			}
		})
	}
}

// TestValues checks how JSON becomes values.
func TestValues(t *testing.T) {
	t.Parallel()
	const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	c := connect(t, stub{"/Users": `{"totalResults":1,"Resources":[{"id":7,"USERNAME":"amy","active":"False","name":{"formatted":"艾米"},
		"emails":[{"value":"x@corp.example"},{"value":"p@corp.example","primary":true}],"phoneNumbers":[{"type":"Mobile","value":"1"},{"type":"fax","value":"2"}],
		"title":{"odd":1},"urn:x:2.0:Y":{"level":3,"since":"2026-02-01T08:00:00Z","flag":"True","bad":"x"},
		"` + enterprise + `":{"manager":"boss","employeeNumber":12}}]}`, "/Groups": `{"totalResults":0}`},
		func(o *scim.Options) {
			o.Attributes = []scim.Attribute{
				{Name: "level", Path: "urn:x:2.0:Y:level", Type: directory.Int},
				{Name: "since", Path: "urn:x:2.0:Y:since", Type: directory.Date},
				{Name: "flag", Path: "urn:x:2.0:Y:flag", Type: directory.Bool},
				{Name: "bad", Path: "urn:x:2.0:Y:bad", Type: directory.Int},
				{Name: "city", Path: `addresses[type eq "work"].locality`, Type: directory.Text},
			}
		})
	s, err := c.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	o, ok := s.Get(key(directory.User, "7"))
	if !ok || o.Active {
		t.Fatalf("there %v, active %v", ok, o.Active)
	}
	wantValues(t, o, directory.Attributes{
		"userName": text("amy"), "name": text("艾米"), "email": text("p@corp.example"), "mobile": text("1"), "telephone": text(""), "employee_no": text("12"),
		"manager": directory.RefsToKind(directory.User, "boss"), "level": directory.IntOf(3), "flag": directory.BoolOf(true), "city": text(""),
		"since": directory.DateOf(time.Date(2026, 2, 1, 8, 0, 0, 0, time.UTC)), "groups": directory.RefsTo(),
	})
	for _, name := range []string{"title", "bad"} {
		if v := o.Attributes[name]; v.Type() != directory.Unknown {
			t.Errorf("%s is %s %q, want unknown", name, v.Type(), v)
		}
	}
}

// TestUnknownActivity checks that activity which a service does not tell is
// unknown, and that the object passes for usable without being called so.
func TestUnknownActivity(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Drop("User.active")
	id := b.seedUser(person("a"))
	o := see(t, b.conn, key(directory.User, string(id)))
	if v := o.Value("active"); v.Type() != directory.Unknown {
		t.Errorf("active is %s %q", v.Type(), v)
	}
}

// TestLookupBelievesOnlySCIM checks that a 404 which may be that of a gateway is no
// proof.
func TestLookupBelievesOnlySCIM(t *testing.T) {
	t.Parallel()
	ids := []directory.ID{"a"}
	if seen, err := connect(t, stub{}).Lookup(t.Context(), directory.User, ids); err != nil || seen[0].Presence != connector.Gone {
		t.Errorf("a service's 404: %v %+v", err, seen)
	}
	for name, s := range map[string]stub{
		"404 everywhere": {"/Users": "404|<html>"},
		"HTML":           {"/Users": "<html>"},
		"another object": {"/Users/a": `{"id":"b"}`},
	} {
		if seen, err := connect(t, s).Lookup(t.Context(), directory.User, ids); err == nil {
			t.Errorf("%s: %+v", name, seen)
		}
	}
	for status, want := range map[string]connector.Presence{"403|{}": connector.Unsure, "400|{}": connector.Unsure, "410|{}": connector.Unsure} {
		seen, err := connect(t, stub{"/Users/a": status}).Lookup(t.Context(), directory.User, ids)
		if err != nil || seen[0].Presence != want || seen[0].Why == "" {
			t.Errorf("%s: %v %+v", status, err, seen)
		}
	}
	for _, id := range []directory.ID{"", ".", ".."} {
		if seen, err := connect(t, stub{}).Lookup(t.Context(), directory.User, []directory.ID{id}); err == nil && seen[0].Presence != connector.Unsure {
			t.Errorf("id %q: %+v", id, seen)
		}
	}
}

// TestRedirects checks that the token never goes elsewhere.
func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the redirect was followed to %s with %q", r.URL.Path, r.Header.Get("Authorization"))
	}))
	t.Cleanup(elsewhere.Close)
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	}))
	_, err := c.Read(t.Context())
	if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Say(err), "redirect") {
		t.Error(err)
	}
	_, err = c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: key(directory.User, "a")})
	if fault.KindOf(err) != fault.Invalid {
		t.Error(err)
	}
}

// TestSecretsStayHidden checks errors and log for the token, which a service echoes.
func TestSecretsStayHidden(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = fmt.Fprintf(w, `{"detail":"bad %s"}`, r.Header.Get("Authorization")) // a client that is gone is its own affair
	}), func(o *scim.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	_, err := c.Read(t.Context())
	noSecret(t, err)
	if err == nil || strings.Contains(log.String(), token) || !strings.Contains(log.String(), "call repeated") {
		t.Errorf("%v %s", err, log.String())
	}
	o := options("http://127.0.0.1:1")
	o.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}}
	if c, err = scim.New(o); err != nil {
		t.Fatal(err)
	}
	_, err = c.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: key(directory.User, "a")})
	if noSecret(t, err); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a service that is not there: %v", err)
	}
}

// TestDetailStaysOut: a service's own words may hold what it knows of a person.
func TestDetailStaysOut(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadGateway, http.StatusBadRequest, http.StatusForbidden, http.StatusNotImplemented, http.StatusConflict} {
		var log strings.Builder
		c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "ServiceProviderConfig"):
				_, _ = fmt.Fprint(w, `{"filter":{"supported":true,"maxResults":100},"patch":{"supported":true}}`)
			case strings.Contains(r.URL.Path, "Users"):
				w.WriteHeader(status)
				_, _ = fmt.Fprint(w, `{"scimType":"zhangsan@corp.example","detail":"zhangsan@corp.example is taken by 张三"}`)
			default:
				w.WriteHeader(http.StatusNotFound)
				_, _ = fmt.Fprint(w, `{"detail":"nothing for zhangsan@corp.example"}`)
			}
		}), func(o *scim.Options) {
			o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		_, err := c.Read(t.Context())
		_, applied := c.Apply(t.Context(), connector.Write{Op: plan.Create, Key: directory.Key{Kind: directory.User}, After: directory.Attributes{
			"userName": directory.TextOf("zhangsan"),
		}})
		if err == nil && applied == nil {
			t.Fatalf("%d: nothing failed", status)
		}
		for _, said := range []string{log.String(), fmt.Sprint(err), fmt.Sprint(applied)} {
			if strings.Contains(said, "zhangsan") || strings.Contains(said, "张三") {
				t.Errorf("%d: %s", status, said)
			}
		}
		if status == http.StatusBadGateway && !strings.Contains(log.String(), "call repeated") {
			t.Errorf("%d: the log is %s", status, log.String())
		}
	}
}

// TestWaits checks Retry-After in both of its forms.
func TestWaits(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"7": 7 * time.Second, now.Add(time.Minute).Format(http.TimeFormat): time.Minute, "soon": 0, "-1": 0, "99999999": 24 * time.Hour, "": 0,
	} {
		b := newBench(t)
		b.seedUser(person("a"))
		b.Inject(scimsim.Fault{Op: "write", Status: 429, RetryAfter: header})
		_, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: key(directory.User, "u-00001")})
		if fault.KindOf(err) != fault.Limited || fault.After(err) != want {
			t.Errorf("%q: %v after %v, want %v", header, err, fault.After(err), want)
		}
		if want == 0 {
			continue
		}
		before := b.calls()
		if _, err := b.conn.Apply(t.Context(), connector.Write{Op: plan.Delete, Key: key(directory.User, "u-00001")}); fault.KindOf(err) != fault.Limited || b.calls() != before {
			t.Errorf("%q: a call was made while the service asked us to wait: %v", header, err)
		}
	}
}

// TestNewNamesEveryMistake checks the options.
func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := scim.New(scim.Options{
		URL: "http://scim.example/v2?x=1", Token: "a", User: "b", Password: "c", Dialect: "d", Departments: "e", PageSize: 1001, Rate: -1, CallTimeout: -1,
		Attributes: []scim.Attribute{{Name: "x", Path: "a b", Type: directory.List}, {Name: "x", Path: "y", Type: directory.Text}, {Name: "email", Path: "y", Type: directory.Text}},
	})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatal(err)
	}
	for _, name := range []string{"url", "token, or", "dialect", "departments", "page_size", "rate", "call time-out", "http client", "clock", "attributes.x.path", "attributes.x.type", "attributes.x ", "attributes.email"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	o := options("http://scim.example/v2")
	if _, err := scim.New(o); err == nil || !strings.Contains(err.Error(), "https") {
		t.Errorf("a token in the clear: %v", err)
	}
}

// TestBasic checks HTTP Basic.
func TestBasic(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(s *scimsim.Options, o *scim.Options) {
		s.User, s.Password = "rollcall", "pass-word"
		o.Token, o.User, o.Password = "", "rollcall", "pass-word"
	})
	if err := b.conn.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	c := connect(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"detail":%q}`, r.Header.Get("Authorization")+" pass-word") // a client that is gone is its own affair
	}), func(o *scim.Options) { o.Token, o.User, o.Password = "", "rollcall", "pass-word" })
	_, err := c.Read(t.Context())
	if err == nil || strings.Contains(err.Error(), "pass-word") || strings.Contains(err.Error(), "cm9sbGNhbGw6cGFzcy13b3Jk") {
		t.Errorf("the password shows: %v", err)
	}
}
