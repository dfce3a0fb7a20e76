package scimserver_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := scimserver.New(scimserver.Options{Token: "short", Path: "x/", Contents: "most", BaseURL: "nowhere", Attributes: []scimserver.Attribute{{Name: "a", Path: "name[", Type: directory.Text}}})
	if fault.KindOf(err) != fault.Invalid {
		t.Fatalf("%v", err)
	}
	for _, name := range []string{"system", "path", "token", "contents", "shelf", "clock", "base_url", "attribute a"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	for _, bad := range []scimserver.Attribute{
		{Name: "a", Path: "password", Type: directory.Text},
		{Name: "a", Path: "x y", Type: directory.Text},
		{Name: "", Path: "title", Type: directory.Text},
		{Name: "a", Path: "title", Type: directory.List},
		{Name: "a", Path: enterprise, Type: directory.Text},
	} {
		w := open(t, nil)
		_, err := scimserver.New(scimserver.Options{System: "a", Path: "/a", Token: token, Shelf: w.shelf, Now: w.clock.Now, Attributes: []scimserver.Attribute{bad}})
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	ask := func(authorization string) reply {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path+"/Users", http.NoBody)
		if authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		return w.send(t, req)
	}
	for _, bad := range []string{"", "Bearer", "Bearer ", "Bearer x", "Basic " + token, token, "Bearer " + token + "x", "Bearer " + token[1:]} {
		r := ask(bad)
		if r.Code != http.StatusUnauthorized || !strings.HasPrefix(r.Header().Get("WWW-Authenticate"), "Bearer") || strings.Contains(r.Body.String(), token) {
			t.Errorf("%q: %d %v", bad, r.Code, r.Header())
		}
	}
	limited := false
	for range 40 {
		r := ask("Bearer guess")
		limited = limited || r.Code == http.StatusTooManyRequests && r.Header().Get("Retry-After") != ""
	}
	if !limited {
		t.Error("forty wrong tokens in a second are not slowed down")
	}
	for _, good := range []string{"Bearer " + token, "bearer " + token} {
		if r := ask(good); r.Code != http.StatusOK {
			t.Errorf("the right token among wrong ones: %d", r.Code)
		}
	}
}

func TestLifeOfAUser(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	r := w.must(t, http.StatusCreated, http.MethodPost, "/Users", `{"userName":"Ann@x","externalId":"E1","password":"hunter22"}`)
	id := r.json["id"].(string)
	want := "https://rollcall.example.com" + path + "/Users/" + id
	meta := r.json["meta"].(map[string]any)
	if r.Header().Get("Location") != want || meta["location"] != want || meta["resourceType"] != "User" || meta["version"] != `W/"1"` || r.json["active"] != true {
		t.Errorf("created: %v %s", r.Header(), r.Body)
	}
	if strings.Contains(r.Body.String(), "hunter22") || strings.Contains(r.Body.String(), "password") {
		t.Errorf("the password is shown: %s", r.Body)
	}
	r = w.must(t, http.StatusConflict, http.MethodPost, "/Users", `{"userName":"aNN@X"}`)
	if r.json["scimType"] != "uniqueness" || r.json["status"] != "409" {
		t.Errorf("the same name in another case: %s", r.Body)
	}
	other := w.add(t, "/Users", `{"userName":"bob"}`)
	if r := w.call(t, http.MethodPut, "/Users/"+other, `{"userName":"ANN@x"}`); r.Code != http.StatusConflict {
		t.Errorf("renamed to a name that is taken: %d", r.Code)
	}
	if r := w.call(t, http.MethodPut, "/Users/"+id, `{"userName":"ann@x","id":"`+id+`"}`, "If-Match", `W/"1"`); r.Code != http.StatusOK || r.json["userName"] != "ann@x" || r.json["externalId"] != nil {
		t.Errorf("put: %d %s", r.Code, r.Body)
	}
	for method, body := range map[string]string{http.MethodPut: `{"userName":"c"}`, http.MethodPatch: `{"Operations":[{"op":"remove","path":"title"}]}`, http.MethodDelete: ""} {
		if r := w.call(t, method, "/Users/"+id, body, "If-Match", `W/"1"`); r.Code != http.StatusPreconditionFailed {
			t.Errorf("%s of an old version: %d", method, r.Code)
		}
	}
	if r := w.call(t, http.MethodGet, "/Users/"+id, "", "If-None-Match", `W/"2"`); r.Code != http.StatusNotModified || r.Body.Len() > 0 {
		t.Errorf("unchanged: %d", r.Code)
	}
	w.must(t, http.StatusOK, http.MethodPut, "/Users/"+id, `{"userName":"ann@x","active":false}`)
	// A PUT that does not speak of active leaves it.
	if r := w.must(t, http.StatusOK, http.MethodPut, "/Users/"+id, `{"userName":"ann@x"}`); r.json["active"] != false {
		t.Errorf("active after a PUT without it: %s", r.Body)
	}
	list := w.must(t, http.StatusOK, http.MethodGet, "/Users?filter="+url.QueryEscape(`userName eq "ANN@X"`), "")
	if list.json["totalResults"] != 1.0 {
		t.Errorf("a disabled user is not found: %s", list.Body)
	}
	w.must(t, http.StatusNoContent, http.MethodDelete, "/Users/"+id, "", "If-Match", `"x", W/"3"`)
	for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPut, http.MethodPatch} {
		body := ""
		switch method {
		case http.MethodPut:
			body = `{"userName":"z"}`
		case http.MethodPatch:
			body = `{"Operations":[{"op":"remove","path":"title"}]}`
		}
		for _, gone := range []string{id, "never"} {
			if r := w.call(t, method, "/Users/"+gone, body); r.Code != http.StatusNotFound || r.json["status"] != "404" || r.json["schemas"].([]any)[0] != "urn:ietf:params:scim:api:messages:2.0:Error" {
				t.Errorf("%s of %s: %d %s", method, gone, r.Code, r.Body)
			}
		}
	}
	w.add(t, "/Users", `{"userName":"ann@x"}`) // the name is free again
}

func TestPutKeepsMembers(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	id := w.add(t, "/Groups", `{"displayName":"G","members":[{"value":"a"}]}`)
	if r := w.must(t, http.StatusOK, http.MethodPut, "/Groups/"+id, `{"displayName":"H"}`); len(r.json["members"].([]any)) != 1 {
		t.Errorf("a PUT that does not speak of members: %s", r.Body)
	}
	if r := w.must(t, http.StatusOK, http.MethodPut, "/Groups/"+id, `{"displayName":"H","members":[]}`); r.json["members"] != nil {
		t.Errorf("a PUT that says there are none: %s", r.Body)
	}
}

func TestDeletedUserLeavesGroups(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	a, b := w.add(t, "/Users", `{"userName":"a"}`), w.add(t, "/Users", `{"userName":"b"}`)
	group := w.add(t, "/Groups", `{"displayName":"G","members":[{"value":"`+a+`"},{"value":"`+b+`"}]}`)
	w.must(t, http.StatusNoContent, http.MethodDelete, "/Users/"+a, "")
	r := w.must(t, http.StatusOK, http.MethodGet, "/Groups/"+group, "")
	if got := r.json["members"].([]any); len(got) != 1 || got[0].(map[string]any)["value"] != b {
		t.Errorf("members %v", got)
	}
}

func TestListing(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for i := range 5 {
		w.add(t, "/Users", fmt.Sprintf(`{"userName":"user%d","title":"%s","active":%v,"externalId":"X%d","emails":[{"type":"work","value":"u%d@x"}],
			"%s":{"department":"D%d"}}`, i, []string{"a", "B"}[i%2], i != 3, i, i, enterprise, i%2))
	}
	group := w.add(t, "/Groups", `{"displayName":"Ops","externalId":"g","members":[{"value":"m","display":"M"}]}`)
	for _, tt := range []struct {
		query, want string // userName or displayName of the page
		total       int
	}{
		{"/Users", "user0 user1 user2 user3 user4", 5},
		{"/Users/?startIndex=1&count=2", "user0 user1", 5},
		{"/Users?startIndex=5&count=2", "user4", 5},
		{"/Users?startIndex=6&count=2", "", 5},
		{"/Users?startIndex=0&count=1", "user0", 5},
		{"/Users?startIndex=-7", "user0 user1 user2 user3 user4", 5},
		{"/Users?count=0", "", 5},
		{"/Users?count=-1", "", 5},
		{`/Users?filter=userName eq "USER2"`, "user2", 1},
		{`/Users?filter=externalId eq "X2"`, "user2", 1},
		{`/Users?filter=externalId eq "x2"`, "", 0},
		{`/Users?filter=userName Eq "3f6c0cd2-0000"`, "", 0},
		{`/Users?filter=  userName   sw "user" and (title eq "b" or active eq false) `, "user1 user3", 2},
		{`/Users?filter=title eq "A"&startIndex=2&count=1`, "user2", 3},
		{`/Users?filter=active eq "False"`, "user3", 1},
		{`/Users?filter=not (active eq true)`, "user3", 1},
		{`/Users?filter=emails[type eq "work" and value co "u4"]`, "user4", 1},
		{`/Users?filter=emails[type eq "work"].value eq "u4@x"`, "user4", 1},
		{`/Users?filter=emails[type eq "work" or type eq "home"].value sw "u1" and active eq true`, "user1", 1},
		{`/Users?filter=emails eq "u0@x"`, "user0", 1},
		{`/Users?filter=emails.value ew "@x" and userName gt "user2"`, "user3 user4", 2},
		{`/Users?filter=` + enterprise + `:department eq "d1"`, "user1 user3", 2},
		{`/Users?filter=title pr and not (nickName pr)`, "user0 user1 user2 user3 user4", 5},
		{`/Users?filter=nickName eq null`, "user0 user1 user2 user3 user4", 5},
		{`/Users?filter=title ne "a"`, "user1 user3", 2},
		{`/Users?filter=meta.created gt "2020-01-01T00:00:00Z" and meta.resourceType eq "User"`, "user0 user1 user2 user3 user4", 5},
		{`/Users?filter=meta.lastModified lt "2020-01-01T00:00:00Z"`, "", 0},
		{`/Users?filter=shoeSize eq 43`, "", 0},
		{`/Users?filter=password pr`, "", 0},
		{`/Users?filter=userName sw user3`, "user3", 1},
		{`/Groups?filter=displayName eq "ops"`, "Ops", 1},
		{`/Groups?filter=members[value eq "m"]`, "Ops", 1},
		{`/Groups?filter=members eq "M"`, "", 0},
		{`/Groups?filter=id eq "` + group + `"&excludedAttributes=members`, "Ops", 1},
	} {
		at, query, _ := strings.Cut(tt.query, "?")
		values := url.Values{}
		for part := range strings.SplitSeq(query, "&") {
			name, v, _ := strings.Cut(part, "=")
			values.Set(name, v)
		}
		r := w.must(t, http.StatusOK, http.MethodGet, at+"?"+values.Encode(), "")
		list, isList := r.json["Resources"].([]any)
		var names []string
		for _, one := range list {
			m := one.(map[string]any)
			name, _ := m["userName"].(string)
			if name == "" {
				name, _ = m["displayName"].(string)
			}
			names = append(names, name)
		}
		if !isList || strings.Join(names, " ") != tt.want || r.json["totalResults"] != float64(tt.total) || r.json["itemsPerPage"] != float64(len(names)) {
			t.Errorf("%s: %v of %v, want %s of %d", tt.query, names, r.json["totalResults"], tt.want, tt.total)
		}
	}
	for body, want := range map[string]int{`{"filter":"title eq \"a\"","count":2,"attributes":["userName"]}`: 3, `{"startIndex":2}`: 6} {
		if r := w.must(t, http.StatusOK, http.MethodPost, "/.search", body); r.json["totalResults"] != float64(want) {
			t.Errorf("search %s: %s", body, r.Body)
		}
	}
	if r := w.must(t, http.StatusOK, http.MethodPost, "/.search", `{"startIndex":5,"count":9}`); len(r.json["Resources"].([]any)) != 2 {
		t.Errorf("a search across kinds: %s", r.Body)
	}
	if r := w.must(t, http.StatusOK, http.MethodPost, "/Groups/.search", `{}`); r.json["totalResults"] != 1.0 {
		t.Errorf("search groups: %s", r.Body)
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	id := w.add(t, "/Users", beforePatch)
	for query, want := range map[string]string{
		"attributes=userName":                             `{"userName":"ab"}`,
		"attributes=USERNAME,name.familyName":             `{"userName":"ab","name":{"familyName":"B"}}`,
		"attributes=emails[type eq \"work\"].value":       `{"emails":[{"value":"w@x"},{"value":"h@x"}]}`,
		"attributes=" + enterprise + ":department":        `{"` + enterprise + `":{"department":"old"}}`,
		"attributes=" + enterprise:                        `{"` + enterprise + `":{"department":"old","manager":{"value":"m1","displayName":"Old"}}}`,
		"attributes=nothing":                              `{}`,
		"excludedAttributes=emails,name,id," + enterprise: `{"userName":"ab","active":true}`,
	} {
		name, v, _ := strings.Cut(query, "=")
		r := w.must(t, http.StatusOK, http.MethodGet, "/Users/"+id+"?"+url.Values{name: {v}}.Encode(), "")
		if r.json["id"] != id || r.json["schemas"] == nil {
			t.Errorf("%s: id and schemas are always there: %s", query, r.Body)
		}
		same(t, query, compact(t, r.json), want)
	}
}

// What is refused at the door.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	id := w.add(t, "/Users", `{"userName":"a"}`)
	deep := strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40)
	for _, tt := range []struct {
		method, at, body string
		status           int
		scimType         string
	}{
		{"POST", "/Users", `{`, 400, "invalidSyntax"},
		{"POST", "/Users", `[]`, 400, "invalidSyntax"},
		{"POST", "/Users", `{"userName":"b"}{}`, 400, "invalidSyntax"},
		{"POST", "/Users", `{"userName":"b","username":"c"}`, 400, "invalidSyntax"},
		{"POST", "/Users", `{"userName":"b","name":{"givenName":"x","givenName":"y"}}`, 400, "invalidSyntax"},
		{"POST", "/Users", "{\"userName\":\"\xff\"}", 400, "invalidSyntax"},
		{"POST", "/Users", `{"userName":"a\u0000b"}`, 400, "invalidValue"},
		{"POST", "/Users", deep, 400, "invalidSyntax"},
		{"POST", "/Users", `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 413, ""},
		{"POST", "/Users", `{"displayName":"no name"}`, 400, "invalidValue"},
		{"POST", "/Users", `{"userName":7.5,"active":"often"}`, 400, "invalidValue"},
		{"POST", "/Users", `{"userName":"` + strings.Repeat("x", 2000) + `"}`, 400, "invalidValue"},
		{"POST", "/Users", `{"userName":"b","emails":[["x"]]}`, 400, "invalidValue"},
		{"POST", "/Groups", `{}`, 400, "invalidValue"},
		{"PATCH", "/Users/" + id, `{}`, 400, "invalidSyntax"},
		{"PATCH", "/Users/" + id, `{"Operations":[]}`, 400, "invalidSyntax"},
		{"PATCH", "/Users/" + id, `{"Operations":["x"]}`, 400, "invalidSyntax"},
		{"PATCH", "/Users/" + id, `{"Operations":[` + strings.Repeat(`{"op":"remove","path":"title"},`, 1000) + `{"op":"remove","path":"title"}]}`, 400, "tooMany"},
		{"GET", "/Users?filter=" + url.QueryEscape(`userName eq`), "", 400, "invalidFilter"},
		{"GET", "/Users?filter=" + url.QueryEscape(`userName eq 'a'`), "", 400, "invalidFilter"},
		{"GET", "/Users?filter=" + url.QueryEscape(`userName eq "a`), "", 400, "invalidFilter"},
		{"GET", "/Users?filter=" + url.QueryEscape(strings.Repeat("(", 500)+`a pr`+strings.Repeat(")", 500)), "", 400, "invalidFilter"},
		{"GET", "/Users?filter=" + url.QueryEscape(`userName eq "`+strings.Repeat("x", 3000)+`"`), "", 400, "tooMany"},
		{"GET", "/Users?count=many", "", 400, "invalidValue"},
		{"GET", "/Users?%zz", "", 400, "invalidSyntax"},
		{"PUT", "/Users", `{}`, 405, ""},
		{"DELETE", "/Schemas", "", 405, ""},
		{"POST", "/Bulk", `{}`, 501, ""},
		{"GET", "/Me", "", 501, ""},
		{"GET", "/Nothing", "", 404, ""},
		{"GET", "/", "", 404, ""},
		{"GET", "/Users/a/b", "", 404, ""},
		{"GET", "/Schemas/x", "", 404, ""},
		{"GET", "/Schemas?filter=x", "", 403, ""},
	} {
		r := w.call(t, tt.method, tt.at, tt.body)
		scimType, _ := r.json["scimType"].(string)
		if r.Code != tt.status || scimType != tt.scimType || r.json["status"] != fmt.Sprint(tt.status) || r.json["detail"] == "" {
			t.Errorf("%s %.60s %.60s: %d %.200s", tt.method, tt.at, tt.body, r.Code, r.Body)
		}
		if tt.status == http.StatusMethodNotAllowed && r.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tt.method, tt.at)
		}
	}
	if r := w.call(t, http.MethodPost, "/Users", `{"userName":"b"}`, "Content-Type", "text/plain"); r.Code != http.StatusUnsupportedMediaType {
		t.Errorf("another media type: %d", r.Code)
	}
	if r := w.call(t, http.MethodPost, "/Users", `{"userName":"b"}`, "Content-Type", "application/json; charset=utf-8"); r.Code != http.StatusCreated {
		t.Errorf("application/json: %d", r.Code)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := open(t, func(o *scimserver.Options) {
		o.Attributes = []scimserver.Attribute{{Name: "badge", Path: "urn:corp:2.0:User:badge", Type: directory.Text}}
	})
	config := w.must(t, http.StatusOK, http.MethodGet, "/ServiceProviderConfig", "").json
	for name, want := range map[string]bool{"patch": true, "etag": true, "filter": true, "bulk": false, "sort": false, "changePassword": false} {
		if config[name].(map[string]any)["supported"] != want {
			t.Errorf("%s: %v", name, config[name])
		}
	}
	types := w.must(t, http.StatusOK, http.MethodGet, "/ResourceTypes", "")
	if types.json["totalResults"] != 2.0 || !strings.Contains(types.Body.String(), "urn:corp:2.0:User") {
		t.Errorf("resource types: %s", types.Body)
	}
	if one := w.must(t, http.StatusOK, http.MethodGet, "/ResourceTypes/Group", "").json; one["endpoint"] != "/Groups" {
		t.Errorf("a resource type: %v", one)
	}
	schemas := w.must(t, http.StatusOK, http.MethodGet, "/Schemas", "")
	if schemas.json["totalResults"] != 5.0 {
		t.Errorf("%v schemas", schemas.json["totalResults"])
	}
	for _, one := range schemas.json["Resources"].([]any) {
		id := one.(map[string]any)["id"].(string)
		if got := w.must(t, http.StatusOK, http.MethodGet, "/Schemas/"+id, "").json; got["id"] != id || len(got["attributes"].([]any)) == 0 {
			t.Errorf("schema %s: %v", id, got)
		}
	}
}

// A record that is away is said to be, and the provider sends again.
func TestRecordAway(t *testing.T) {
	t.Parallel()
	f := &faulty{}
	w := open(t, func(o *scimserver.Options) { f.Store, o.Shelf = o.Shelf.(interfaceStore), f })
	f.set(func() { f.down = true })
	if r := w.call(t, http.MethodGet, "/Users/x", ""); r.Code != http.StatusServiceUnavailable || r.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v", r.Code, r.Header())
	}
}

// TestWatch: whoever watches hears of each push, and of whom it concerns.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	heard := make(chan []directory.Hint, 100)
	done := make(chan error, 1)
	var ready atomic.Bool
	ctx, stop := contextWithStop(t)
	go func() {
		done <- w.Watch(ctx, func(h []directory.Hint) { ready.Store(true); heard <- h })
	}()
	var first string
	for i := 0; !ready.Load(); i++ { // until the watcher stands
		first = w.add(t, "/Users", fmt.Sprintf(`{"userName":"first%d"}`, i))
	}
	got := collect(heard)
	a := w.add(t, "/Users", `{"userName":"a"}`)
	group := w.add(t, "/Groups", `{"displayName":"G","members":[{"value":"`+a+`"}]}`)
	w.patch(t, "/Groups/"+group, `{"op":"add","path":"members","value":"`+first+`"}`)
	w.patch(t, "/Groups/"+group, `{"op":"add","path":"members","value":"`+first+`"}`) // changes nothing
	w.must(t, http.StatusNoContent, http.MethodDelete, "/Users/"+a, "")
	want := []directory.Hint{
		{Key: directory.Key{Kind: directory.User, ID: directory.ID(a)}},
		{Key: directory.Key{Kind: directory.Department, ID: directory.ID(group)}},
		{Key: directory.Key{Kind: directory.User, ID: directory.ID(first)}},
		{Key: directory.Key{Kind: directory.User, ID: directory.ID(a)}, Gone: true},
	}
	got.wait(t, want)
	stop()
	if err := <-done; err != nil {
		t.Errorf("ended by %v", err)
	}
}

// TestLog: unknown attributes are said once, by name; nothing of a person is.
func TestLog(t *testing.T) {
	t.Parallel()
	var book strings.Builder
	w := open(t, func(o *scimserver.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(&book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	for i := range 2 {
		id := w.add(t, "/Users", fmt.Sprintf(`{"userName":"planted%d","hat":"planted","password":"planted"}`, i))
		w.patch(t, "/Users/"+id, `{"op":"add","path":"hats[value eq \"planted\"].size","value":"planted"}`)
	}
	w.call(t, http.MethodGet, "/Users?filter="+url.QueryEscape(`planted eq`), "")
	w.call(t, http.MethodGet, "/Users", "", "Authorization", "Bearer planted-token")
	text := book.String()
	if strings.Contains(text, "planted") || strings.Contains(text, token) {
		t.Errorf("the log tells too much: %s", text)
	}
	for _, name := range []string{`"attribute":"hat"`, `"attribute":"hats"`} {
		if strings.Count(text, name) != 1 {
			t.Errorf("%s stands %d times: %s", name, strings.Count(text, name), text)
		}
	}
}
