package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// outside is what those see of a service who only watch it: Prometheus, a load
// balancer, a collector of traces.
type outside struct {
	s     *service
	pages []string
	posts int // answers to who has no business here
}

// look asks for everything that can be asked for.
func (o *outside) look(t *testing.T) {
	t.Helper()
	_, page := o.s.scrape(t, scrapeToken)
	o.pages = append(o.pages, page)
	addresses := []string{"http://" + o.s.public, "http://" + o.s.app.cfg.Server.Metrics}
	for _, path := range []string{"/healthz", "/readyz", "/metrics", "/nothing?access_token=" + scrapeToken} {
		for _, address := range addresses {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+path, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			bare, _, _ := strings.Cut(path, "?")
			o.pages = append(o.pages, fmt.Sprint(bare, " ", res.Status, " ", res.Header, " ", string(body)))
			o.posts++
		}
	}
}

// searched looks for secrets and people in all of it.
func (o *outside) searched(t *testing.T, canaries []canary) {
	t.Helper()
	canaries = append(canaries, canary{"token of the metrics", scrapeToken}, canary{"open id", "ou_"})
	pages := strings.Join(o.pages, "\n")
	if o.posts < 30 || strings.Count(pages, "rollcall_vendor_calls_total{") < 6 || !strings.Contains(pages, `code="99991400"`) && !strings.Contains(pages, `code="40001"`) {
		t.Errorf("little was looked at: %d answers, %d bytes", o.posts, len(pages))
	}
	unseen(t, "the log", o.s.log.String(), canaries) // the query above is not repeated either
	unseen(t, "what is seen from outside", pages, canaries)
	labels(t, pages, o.s)
	spans := o.s.spans.(keeping).GetSpans()
	var all strings.Builder
	for _, span := range spans {
		fmt.Fprintf(&all, "%s %v %v %v %v %v\n", span.Name, span.Attributes, span.Events, span.Links, span.Status, span.Resource)
	}
	if len(spans) < 20 || !strings.Contains(all.String(), "Error") {
		t.Errorf("only %d spans, or none of them failed", len(spans))
	}
	unseen(t, "the traces", all.String(), canaries)
}

var (
	seriesOf  = regexp.MustCompile(`(?m)^rollcall_\w+\{(.*)\} \S+$`)
	labelPair = regexp.MustCompile(`(\w+)="((?:[^"\\]|\\.)*)"`)
	// closedWord is what a label may hold beside the names of the configuration: words of
	// ours and codes of vendors, and no number that is long enough to be a person's.
	closedWord = regexp.MustCompile(`^[A-Za-z_.:+()-]{0,40}$|^-?\d{1,8}(\.\d+)?$|^v?[0-9a-f.+-]{1,60}$`)
)

// labels sees that the labels of our metrics name flows, systems, states and codes,
// and no person, room or object.
func labels(t *testing.T, page string, s *service) {
	t.Helper()
	named := map[string]bool{"bot.feishu": true, "bot.dingtalk": true}
	for i := range s.app.cfg.Flows {
		named[s.app.cfg.Flows[i].Name] = true
	}
	for i := range s.app.cfg.Systems {
		named[s.app.cfg.Systems[i].Name] = true
	}
	for i := range s.app.cfg.Webhooks {
		named[s.app.cfg.Webhooks[i].Name] = true
	}
	used := map[string]bool{}
	for _, m := range seriesOf.FindAllStringSubmatch(page, -1) {
		for _, pair := range labelPair.FindAllStringSubmatch(m[1], -1) {
			name, value := pair[1], pair[2]
			used[name] = true
			switch name {
			case "version", "go", "le":
				continue
			case "person", "user", "account", "room", "chat", "id", "name", "run", "object", "email", "mobile", "department", "address", "url", "path":
				t.Errorf("a label is called %s: %s", name, m[0])
			}
			if !named[value] && (!closedWord.MatchString(value) || regexp.MustCompile(`\d{9}`).MatchString(value)) {
				t.Errorf("a label %s holds %q: %s", name, value, m[0])
			}
		}
	}
	for _, name := range []string{"flow", "system", "code", "state", "platform"} {
		if !used[name] {
			t.Errorf("no label %s was looked at", name)
		}
	}
}
