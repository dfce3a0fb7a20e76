package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// firm is a served product whose flow goes from one simulated platform into
// another, beside the rooms of a stage.
type firm struct {
	*service
	flow  string
	wecom *wecomsim.Sim // a corp of its own: the stage's is full
}

// firmOptions say what a firm has.
type firmOptions struct {
	stage stage.Options
	flow  string // from-to-to
	rest  string // of the flow, in YAML
	// events lets WeCom tell of changes.
	events bool
	// arrange fills the platforms.
	arrange func(*firm)
	// around stands before WeCom's calls; nil: nothing.
	around func(http.Handler) http.Handler
}

// A flow of a Feishu tenant into WeCom that listens. What is told twice is told within
// on_change, on a crowded machine too: later it is another run, which has nothing to do.
const (
	feishuFlow  = "feishu-to-wecom"
	feishuUsers = `    departments: {map: {name: name, parent: parent}}
    users: {match: [employee_no], map: {userid: user_id, name: name, mobile: mobile, department: departments, position: title}}
    leavers: {first: delete}
    approve: {disable_over: 0}
    on_change: 3s
`
)

const (
	peerToken = "peer-token"
	peerAES   = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
)

// setFirm sets everything up and serves nothing yet.
func setFirm(t *testing.T, o firmOptions) *firm {
	t.Helper()
	f := &firm{service: &service{log: &logbook{}, clock: &clock{}}, flow: o.flow}
	o.stage.Dir, o.stage.Now = t.TempDir(), time.Now
	var err error
	if f.stage, err = stage.Open(o.stage); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.stage.Close() })
	f.wecom = wecomsim.New(wecomsim.Options{CorpID: "ww-peer", Now: time.Now, OldIP: true})
	h := f.wecom.Handler()
	if o.around != nil {
		h = o.around(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	if o.arrange != nil {
		o.arrange(f)
	}
	if f.config, err = f.stage.WriteConfig(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(f.config)
	if err != nil {
		t.Fatal(err)
	}
	events := ""
	if o.events {
		events = fmt.Sprintf(", events: {token: %s, aes_key: %s}", peerToken, peerAES)
	}
	head, _, _ := strings.Cut(string(text), "\nflows:\n")
	head = strings.ReplaceAll(head, flowName, o.flow)
	head = regexp.MustCompile(`(?m)^  wecom: .*$`).ReplaceAllLiteralString(head, fmt.Sprintf(
		`  wecom: {type: wecom, corp_id: ww-peer, contacts_secret: contacts-secret, base_url: "%s"%s}`, srv.URL, events))
	from, to, _ := strings.Cut(o.flow, "-to-")
	head += fmt.Sprintf("\nflows:\n  %s:\n    from: %s\n    to: %s\n    rooms: [运维群, HR sync]\n%s", o.flow, from, to, o.rest)
	if err := os.WriteFile(f.config, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	f.chat = f.stage.OpenChat()
	t.Cleanup(f.chat.Close)
	return f
}

// openFirm sets a firm up, serves, and brings the two platforms in step.
func openFirm(t *testing.T, o firmOptions) *firm {
	t.Helper()
	f := setFirm(t, o)
	f.start(t)
	t.Cleanup(func() {
		f.end()
		if t.Failed() {
			t.Logf("warnings and errors in the log:\n%s", strings.Join(slices.Concat(f.log.with(`"level":"WARN"`), f.log.with(`"level":"ERROR"`)), "\n"))
		}
	})
	if r := f.asked(t); r.State != run.Succeeded {
		t.Fatalf("the first run is %s: %s, %+v", r.State, r.Reason, r.Outcome)
	}
	return f
}

// asked lets 李敏 ask for a run and waits until no worker is on it.
func (f *firm) asked(t *testing.T) run.Run {
	t.Helper()
	before := map[run.Code]bool{}
	for _, r := range f.runs(t) {
		before[r.Code] = true
	}
	f.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 "+f.flow, f.flow)
	return f.awaitRun(t, "the run that was asked for comes to rest", func(r run.Run) bool {
		return !before[r.Code] && !r.State.Working()
	})
}

// byEvent waits until events have begun n runs of the flow and all are at rest,
// and gives them, the newest first.
func (f *firm) byEvent(t *testing.T, n int) []run.Run {
	t.Helper()
	var all []run.Run
	until(t, fmt.Sprintf("%d runs by event are at rest", n), func() bool {
		all = slices.DeleteFunc(f.runs(t), func(r run.Run) bool { return r.Trigger != run.ByEvent })
		return len(all) >= n && !slices.ContainsFunc(all, func(r run.Run) bool { return r.State.Working() })
	})
	if len(all) != n {
		t.Fatalf("%d runs by event, want %d: %+v", len(all), n, all)
	}
	return all
}

// planned gives a run's plan.
func (f *firm) planned(t *testing.T, r run.Run) *plan.Plan {
	t.Helper()
	p, err := f.app.store.Plan(t.Context(), r.Code)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// did gives WeCom's writes since an index as "op id".
func (f *firm) did(from int) []string {
	all := []string{}
	for _, e := range f.wecom.Effects()[from:] {
		all = append(all, e.Op+" "+e.ID)
	}
	return all
}

// staffed puts people into departments of Feishu, so many into each.
func staffed(t *testing.T, departments, each int) func(*firm) {
	t.Helper()
	return func(f *firm) {
		for i := range departments {
			d, err := f.stage.Feishu.AddDepartment(feishusim.Department{DepartmentID: fmt.Sprintf("d%d", i), Name: fmt.Sprintf("部门%d", i)})
			if err != nil {
				t.Fatal(err)
			}
			for j := range each {
				f.hire(t, fmt.Sprintf("%d%03d", i+1, j), d.OpenID)
			}
		}
	}
}

func (f *firm) hire(t *testing.T, no, department string) {
	t.Helper()
	_, err := f.stage.Feishu.AddUser(feishusim.User{
		UserID: no, EmployeeNo: no, Name: "员工" + no, Mobile: "1380000" + no, JobTitle: "工程师", Departments: []string{department}, Activated: true,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// retitle gives a person of Feishu another title, and the event of it.
func (f *firm) retitle(t *testing.T, no, title string) feishusim.Event {
	t.Helper()
	was, _ := f.stage.Feishu.User(no)
	if err := f.stage.Feishu.UpdateUser(no, func(u *feishusim.User) { u.JobTitle = title }); err != nil {
		t.Fatal(err)
	}
	e, err := f.stage.Feishu.UserEvent("updated", no, map[string]any{"job_title": was.JobTitle})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// connected delivers an event over the long connection.
func (f *firm) connected(t *testing.T, e feishusim.Event) {
	t.Helper()
	if ack, err := f.stage.Feishu.Deliver(t.Context(), e); err != nil || !ack.Delivered || ack.Code != http.StatusOK {
		t.Fatalf("delivered %+v, %v", ack, err)
	}
}

// posted delivers an event over the signed callback.
func (f *firm) posted(t *testing.T, e feishusim.Event) {
	t.Helper()
	if a, err := f.stage.Feishu.Post(t.Context(), f.stage.Door(stage.FeishuRoom), e, feishusim.Forgery{}); err != nil || a.Status != http.StatusOK {
		t.Fatalf("answered %d, %v", a.Status, err)
	}
}

// wecomPosts sends one of WeCom's encrypted callbacks and gives the answer's status.
func (f *firm) wecomPosts(t *testing.T, token string, e wecomsim.ContactEvent) int {
	t.Helper()
	base := strings.TrimSuffix(f.stage.Door(stage.FeishuRoom), feishuPath)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := f.wecom.EventRequest(ctx, wecomsim.Callback{URL: base + "/callback/wecom/wecom", Token: token, AESKey: peerAES}, e)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}
