package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

const pushToken = "a-token-of-an-identity-provider"

// pushed is a served process that a provider pushes into, with a flow from there
// into WeCom.
type pushed struct {
	*pair
	base string
}

func openPushed(t *testing.T) *pushed {
	t.Helper()
	p := &pushed{pair: &pair{t: t, dir: t.TempDir()}}
	p.wecom = wecomsim.New(wecomsim.Options{CorpID: "ww-test", Now: time.Now, OldIP: true})
	ws := httptest.NewServer(p.wecom.Handler())
	t.Cleanup(ws.Close)
	path := filepath.Join(p.dir, "rollcall.yaml")
	text := fmt.Sprintf(`
timing: {lease: 5s, sweep: 200ms, call: 4s, settle: 200ms}
server: {listen: "127.0.0.1:0"}
systems:
  okta: {type: scim_server, token: %s, contents: full}
  wecom: {type: wecom, corp_id: ww-test, contacts_secret: contacts-secret, base_url: "%s"}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
  okta-to-wecom:
    from: okta
    to: wecom
    departments: {map: {name: name, parent: parent}}
    users: {match: [employee_no], map: {userid: employee_no, name: name, mobile: mobile, email: email, department: departments}}
    leavers: {when: {active: ["false"]}, first: delete}
    approve: {disable_over: 0, apply_safe_changes_first: false}
`, pushToken, ws.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := configs.Load(configs.Options{Path: path, Getenv: os.LookupEnv, ReadFile: os.ReadFile})
	if err != nil {
		t.Fatal(err)
	}
	proc := &process{getenv: os.LookupEnv, stdout: discard{}, stderr: discard{}, now: time.Now, executable: os.Executable}
	if p.app, err = proc.open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served, ready := make(chan error, 1), make(chan string, 1)
	go func() { served <- p.app.serve(ctx, func(address string) { ready <- address }) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Errorf("serve ends: %v", err)
		}
		_ = p.app.close()
	})
	select {
	case address := <-ready:
		p.base = "http://" + address + "/scim/okta/v2"
	case err := <-served:
		served <- err
		t.Fatalf("serve ends: %v", err)
	}
	return p
}

// push makes a request as the provider and gives the id of what it is about.
func (p *pushed) push(method, at, body string, status int) string {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+at, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+pushToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var got struct {
		ID, Detail string
		Meta       struct{ Location string }
	}
	_ = json.NewDecoder(res.Body).Decode(&got)
	if res.StatusCode != status {
		p.t.Fatalf("%s %s: %d %s", method, at, res.StatusCode, got.Detail)
	}
	if status == http.StatusCreated && !strings.HasPrefix(got.Meta.Location, p.base+"/") {
		p.t.Errorf("it stands at %s", got.Meta.Location)
	}
	return got.ID
}

// TestProviderIntoWeCom lets a provider push people, who come into WeCom, are
// suspended, and are deleted.
func TestProviderIntoWeCom(t *testing.T) {
	t.Parallel()
	p := openPushed(t)
	ids := map[int]string{}
	for i := 1; i <= 30; i++ {
		ids[i] = p.push(http.MethodPost, "/Users", fmt.Sprintf(`{"userName":"u%02d@x.example","displayName":"员工%02d","emails":[{"type":"work","value":"u%02d@x.example"}],
			"phoneNumbers":[{"type":"mobile","value":"138000000%02d"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"%04d"}}`, i, i, i, i, i), http.StatusCreated)
	}
	group := p.push(http.MethodPost, "/Groups", `{"displayName":"研发部","members":[{"value":"`+ids[2]+`"}]}`, http.StatusCreated)
	p.want("okta-to-wecom", run.Succeeded)
	p.want("okta-to-wecom", run.NothingToDo)
	if u, there := p.wecom.User("0002"); !there || u.Name != "员工02" {
		t.Fatalf("0002 in WeCom: %+v", u)
	}
	p.push(http.MethodPatch, "/Users/"+ids[7], `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`, http.StatusOK)
	p.want("okta-to-wecom", run.Succeeded)
	p.push(http.MethodDelete, "/Users/"+ids[9], "", http.StatusNoContent)
	p.want("okta-to-wecom", run.Succeeded)
	for _, no := range []string{"0007", "0009"} {
		if _, there := p.wecom.User(no); there {
			t.Errorf("%s is still in WeCom", no)
		}
	}
	if n := len(p.wecom.Users()); n != 28 {
		t.Errorf("%d people in WeCom, want 28", n)
	}
	p.push(http.MethodDelete, "/Groups/"+group, "", http.StatusNoContent)
	p.want("okta-to-wecom", run.Succeeded) // 0002 moves to the root; the department is kept
	p.want("okta-to-wecom", run.NothingToDo)
}
