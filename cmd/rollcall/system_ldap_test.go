package main

import (
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// openldap starts a server for a test, and gives its address and a connection of
// its administrator.
func openldap(t *testing.T) (addr string, admin *ldap.Conn) {
	t.Helper()
	const slapd = "/usr/sbin/slapd"
	if _, err := os.Stat(slapd); err != nil {
		t.Skip("NOT RUN: no slapd here: apt-get install slapd")
	}
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = listener.Addr().String()
	_ = listener.Close()
	conf := `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix dc=test
rootdn cn=root,dc=test
rootpw root-password
directory ` + dir + `
index entryUUID,objectClass eq
`
	file := filepath.Join(dir, "slapd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(slapd, "-f", file, "-h", "ldap://"+addr+"/", "-d", "0")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		<-tick.C
		if admin, err = ldap.DialURL("ldap://" + addr); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close() })
	if err := admin.Bind("cn=root,dc=test", "root-password"); err != nil {
		t.Fatal(err)
	}
	top := ldap.NewAddRequest("dc=test", nil)
	for name, values := range map[string][]string{"objectClass": {"dcObject", "organization"}, "dc": {"test"}, "o": {"test"}} {
		top.Attribute(name, values)
	}
	if err := admin.Add(top); err != nil {
		t.Fatal(err)
	}
	return addr, admin
}

// TestRosterIntoLDAPIntoWeCom lets people join, move, leave and return through a
// directory that is a target and a source.
func TestRosterIntoLDAPIntoWeCom(t *testing.T) {
	t.Parallel()
	addr, admin := openldap(t)
	p := &pair{t: t, dir: t.TempDir(), rows: map[string]string{}}
	p.wecom = wecomsim.New(wecomsim.Options{CorpID: "ww-test", Now: time.Now, OldIP: true})
	ws := httptest.NewServer(p.wecom.Handler())
	t.Cleanup(ws.Close)
	for i := 1; i <= 30; i++ {
		p.rows[fmt.Sprintf("%04d", i)] = fmt.Sprintf("/总部/部门%d", i%5)
	}
	p.save()
	text := fmt.Sprintf(`
timing: {lease: 5s, sweep: 200ms, call: 4s, settle: 200ms}
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  dir: {type: ldap, url: "ldap://%s", bind_dn: "cn=root,dc=test", bind_password: root-password, base_dn: dc=test, disabled: employeeType=disabled, page_size: 7}
  wecom: {type: wecom, corp_id: ww-test, contacts_secret: contacts-secret, base_url: "%s"}
people:
  - {name: 李敏, roles: {operator: ["*"]}}
  - {name: 周凯, roles: {approver: ["*"]}}
flows:
  hr-to-dir:
    from: hr
    to: dir
    departments: {map: {name: name, parent: parent}}
    users: {match: [employee_no], map: {uid: employee_no, name: name, mobile: mobile, email: email, employee_no: employee_no, departments: departments, manager: manager, title: title}}
    leavers: {first: disable, then: delete, after: 30d}
    approve: {disable_over: 0, apply_safe_changes_first: false}
  dir-to-wecom:
    from: dir
    to: wecom
    departments: {map: {name: name, parent: parent}}
    users: {match: [uid], map: {userid: uid, name: name, mobile: mobile, email: email, department: departments, direct_leader: manager, position: title}}
    leavers: {when: {active: ["false"]}, first: delete}
    approve: {disable_over: 0, apply_safe_changes_first: false}
`, addr, ws.URL)
	path := filepath.Join(p.dir, "rollcall.yaml")
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
	t.Cleanup(func() { _ = p.app.close() })
	step := func(name string, first, second run.State) {
		t.Helper()
		t.Log(name)
		p.save()
		p.want("hr-to-dir", first)
		p.want("hr-to-dir", run.NothingToDo)
		p.want("dir-to-wecom", second)
		p.want("dir-to-wecom", run.NothingToDo)
	}
	find := func(uid string) *ldap.Entry {
		t.Helper()
		answer, err := admin.Search(ldap.NewSearchRequest("dc=test", ldap.ScopeWholeSubtree, 0, 0, 0, false, "(uid="+uid+")", nil, nil))
		if err != nil || len(answer.Entries) != 1 {
			t.Fatalf("%s: %v %v", uid, err, answer)
		}
		return answer.Entries[0]
	}
	step("everybody joins", run.Succeeded, run.Succeeded)
	if n := len(p.wecom.Users()); n != 30 {
		t.Fatalf("%d users in WeCom", n)
	}
	if got := find("0002"); got.DN != "uid=0002,ou=部门2,ou=总部,dc=test" || got.GetAttributeValue("manager") != find("0001").DN {
		t.Errorf("%s %v", got.DN, got.Attributes)
	}
	if u, _ := p.wecom.User("0002"); len(u.DirectLeaders) != 1 || u.DirectLeaders[0] != "0001" {
		t.Errorf("leaders %v", u.DirectLeaders)
	}
	p.rows["0031"], p.rows["0005"] = "/总部/部门1", "/总部/部门9"
	step("one joins, one moves into a new department", run.Succeeded, run.Succeeded)
	if got := find("0005").DN; got != "uid=0005,ou=部门9,ou=总部,dc=test" {
		t.Error(got)
	}
	delete(p.rows, "0007")
	step("one leaves: disabled in the directory, and so deleted in WeCom", run.Succeeded, run.Succeeded)
	if got := find("0007").GetAttributeValue("employeeType"); got != "disabled" {
		t.Error(got)
	}
	if _, there := p.wecom.User("0007"); there {
		t.Error("0007 is still in WeCom")
	}
	p.rows["0007"] = "/总部/部门2"
	step("and returns", run.Succeeded, run.Succeeded)
	if got := find("0007").GetAttributeValue("employeeType"); got != "" {
		t.Error(got)
	}
	if err := admin.Del(ldap.NewDelRequest(find("0009").DN, nil)); err != nil {
		t.Fatal(err)
	}
	delete(p.rows, "0009")
	step("one is gone from both: deleted in WeCom", run.NothingToDo, run.Succeeded)
	if _, there := p.wecom.User("0009"); there {
		t.Error("0009 is still in WeCom")
	}
}
