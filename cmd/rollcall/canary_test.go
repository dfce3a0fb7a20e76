package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// ways in which a vendor fails so that errors are printed.
var failures = map[string]http.HandlerFunc{
	"refused credentials":  func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusUnauthorized) },
	"forbidden":            func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusForbidden) },
	"broken":               func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusInternalServerError) },
	"bad request":          func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusBadRequest) },
	"slow down":            func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusTooManyRequests) },
	"success that is none": func(w http.ResponseWriter, r *http.Request) { echo(w, r, http.StatusOK) },
	"web page": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, "<html><body>%s</body></html>", told(r))
	},
	"redirect": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", elsewhere+"?"+url.Values{"seen": {told(r)}}.Encode())
		w.WriteHeader(http.StatusTemporaryRedirect)
	},
	"bad redirect": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://[::1/"+url.QueryEscape(told(r))+"%zz")
		w.WriteHeader(http.StatusFound)
	},
	"endless": func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"errcode":0,"code":0,"x":"`)
		for r.Context().Err() == nil {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
				return
			}
		}
	},
	"slow": func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
		}
	},
	"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"half an answer": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, told(r))
		panic(http.ErrAbortHandler)
	},
	"no HTTP": func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, "NOT HTTP "+told(r)+"\r\n\r\n")
		_ = c.Close()
	},
}

// elsewhere is where a redirect leads; nobody follows it.
const elsewhere = "/elsewhere"

// told is everything that a request holds: a vendor that repeats it must not make
// us print it.
func told(r *http.Request) string {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	var head bytes.Buffer
	_ = r.Header.Write(&head)
	return strings.NewReplacer("\r", " ", "\n", " ", `"`, "'", `\`, "/").Replace(r.URL.String() + " " + head.String() + " " + string(body))
}

// echo answers as each of the vendors would, all at once, with what was sent.
func echo(w http.ResponseWriter, r *http.Request, status int) {
	text := told(r)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("WWW-Authenticate", `Bearer realm="`+url.QueryEscape(text)+`"`)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"code":99991400,"errcode":40001,"msg":%[1]q,"errmsg":%[1]q,"message":%[1]q,"detail":%[1]q,"scimType":%[1]q,"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"%[2]d"}`, text, status)
}

// canary is a secret or a person's number that nobody may see; it is found in any
// of the forms in which a program would print it.
type canary struct{ what, text string }

func (c canary) forms() []string {
	all := []string{
		c.text, url.QueryEscape(c.text), url.PathEscape(c.text), fmt.Sprintf("%x", c.text), hex.EncodeToString([]byte(c.text)),
		base64.StdEncoding.EncodeToString([]byte(c.text)), base64.RawURLEncoding.EncodeToString([]byte(c.text)),
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// seen gives where a canary is in a text, with what stands around it.
func (c canary) seen(text string) (around string, found bool) {
	for _, form := range c.forms() {
		if i := strings.Index(text, form); i >= 0 {
			return text[max(0, i-200):min(len(text), i+len(form)+60)], true
		}
	}
	return "", false
}

// unseen fails for every canary in a text.
func unseen(t *testing.T, where, text string, canaries []canary) {
	t.Helper()
	for _, c := range canaries {
		if around, found := c.seen(text); found {
			t.Errorf("%s shows the %s: …%s…", where, c.what, around)
		}
	}
}

// planted gives the secrets of a configuration that has one of each.
func planted() []canary {
	return []canary{
		{"app secret of Feishu", "canary-feishu-app-7f3a"},
		{"encrypt key", "canary-encrypt-key-91bc"},
		{"verification token", "canary-verification-22de"},
		{"contacts secret of WeCom", "canary-wecom-contacts-5e1f"},
		{"app secret of WeCom", "canary-wecom-app-c0de"},
		{"client secret of DingTalk", "canary-ding-client-8d4e"},
		{"callback path", "canarypath0123456789abcdef"},
		{"hook of Feishu", "canaryhook-4411-aabb"},
		{"signature secret of Feishu", "canary-hook-secret-3c3c"},
		{"token of DingTalk's robot", "canaryrobottoken77aa"},
		{"signature secret of DingTalk", "SECcanary6b6b"},
		{"key of WeCom's robot", "canaryrobotkey-9f9f"},
		{"token of SCIM", "canary-scim-token-1a2b"},
		{"password of SCIM", "canary-scim-password-7e7e"},
		{"token of the SCIM server", "canary-scim-server-0123456789"},
		{"bind password", "canary-bind-password-4d4d"},
		{"password of the database", "canary-sql-password-aa11"},
		{"password of the other database", "canary-mysql-password-bb22"},
		{"one-time password", "JBSWY3DPEHPK3PXPCANARYAAAAAAAAAA"},
		{"data key", "ca4a4900112233445566778899aabbccddeeff00112233445566778899aabb02"},
	}
}

// plantedConfig has a system, a bot and a robot of every kind, at one address.
func plantedConfig(base, tcp string) string {
	return fmt.Sprintf(`locale: en
data: data
data_key: ca4a4900112233445566778899aabbccddeeff00112233445566778899aabb02
server: {listen: "127.0.0.1:0", public_url: "http://127.0.0.1:9"}
timing: {lease: 3s, sweep: 300ms, call: 500ms, settle: 1s}
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  feishu: {type: feishu, app_id: cli_x, app_secret: canary-feishu-app-7f3a, base_url: "%[1]s"}
  wecom: {type: wecom, corp_id: ww1, contacts_secret: canary-wecom-contacts-5e1f, app_secret: canary-wecom-app-c0de, base_url: "%[1]s"}
  dingtalk: {type: dingtalk, client_id: ding1, client_secret: canary-ding-client-8d4e, api_url: "%[1]s", oapi_url: "%[1]s"}
  scim: {type: scim, url: "%[1]s/scim", token: canary-scim-token-1a2b}
  scim2: {type: scim, url: "%[1]s/scim", user: me, password: canary-scim-password-7e7e}
  okta: {type: scim_server, token: canary-scim-server-0123456789}
  ad: {type: ldap, url: "ldap://%[2]s", bind_dn: "cn=me,dc=x", bind_password: canary-bind-password-4d4d, base_dn: "dc=x"}
  pg: {type: sql, url: "postgres://me:canary-sql-password-aa11@%[2]s/hr", contents: full, users: {read: "SELECT id, name, mobile FROM u", one: "SELECT id, name, mobile FROM u WHERE id = :id", id: id, attributes: {name: {column: name}, mobile: {column: mobile}}}}
  my: {type: sql, url: "mysql://me:canary-mysql-password-bb22@%[2]s/hr", contents: full, users: {read: "SELECT id, name, mobile FROM u", one: "SELECT id, name, mobile FROM u WHERE id = :id", id: id, attributes: {name: {column: name}, mobile: {column: mobile}}}}
bots:
  feishu: {system: feishu, receive: callback, encrypt_key: canary-encrypt-key-91bc, verification_token: canary-verification-22de}
  dingtalk: {system: dingtalk, receive: callback, robot_code: r1, corp_id: dingcorp, callback_path: /callback/dingtalk/canarypath0123456789abcdef}
webhooks:
  f: {type: feishu, url: "%[1]s/open-apis/bot/v2/hook/canaryhook-4411-aabb", secret: canary-hook-secret-3c3c}
  d: {type: dingtalk, url: "%[1]s/robot/send?access_token=canaryrobottoken77aa", secret: SECcanary6b6b}
  w: {type: wecom, url: "%[1]s/cgi-bin/webhook/send?key=canaryrobotkey-9f9f"}
people:
  - {name: 李敏, feishu: ou_limin, totp: JBSWY3DPEHPK3PXPCANARYAAAAAAAAAA, roles: {operator: ["*"], admin: ["*"]}}
  - {name: 周凯, feishu: ou_zhoukai, roles: {approver: ["*"]}}
rooms:
  - {name: ops, platform: feishu, chat_id: oc_ops, flows: ["*"], webhook: f}
  - {name: ops2, platform: dingtalk, chat_id: cidOPS, flows: ["*"], webhook: d}
  - {name: ops3, platform: wecom, flows: ["*"], webhook: w}
flows:
  to-feishu: {from: hr, to: feishu, users: {match: [mobile], map: {name: name, mobile: mobile}}, rooms: [ops]}
  to-wecom: {from: hr, to: wecom, users: {match: [mobile], map: {userid: employee_no, name: name, mobile: mobile}}, rooms: [ops]}
  to-dingtalk: {from: hr, to: dingtalk, leavers: {first: delete}, users: {match: [mobile], map: {name: name, mobile: mobile}}, rooms: [ops]}
  to-scim: {from: hr, to: scim, users: {match: [employee_no], map: {userName: email, name: name}}, rooms: [ops]}
  from-ad: {from: ad, to: wecom, users: {match: [mobile], map: {userid: uid, name: name}}, rooms: [ops]}
  from-pg: {from: pg, to: wecom, users: {match: [mobile], map: {userid: id, name: name}}, rooms: [ops]}
  from-my: {from: my, to: wecom, users: {match: [mobile], map: {userid: id, name: name}}, rooms: [ops]}
`, base, tcp)
}

// mute is a TCP listener that hangs up at once, for LDAP and databases.
func mute(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	}()
	return l.Addr().String()
}

// TestT66_T68_T69_T70_FailingVendors runs the commands that talk to every kind of
// system, bot and robot while those fail in every way, repeating what they were
// sent. Neither the output, nor the log at level debug, nor any file shows a
// secret, no
// redirect is followed, and an answer without an end is given up.
func TestT66_T68_T69_T70_FailingVendors(t *testing.T) {
	t.Parallel()
	vendors := map[string]func(t *testing.T) (base, tcp string){
		"connection refused": func(*testing.T) (string, string) { return "http://127.0.0.1:9", "127.0.0.1:9" },
		"TLS to whom has none": func(t *testing.T) (string, string) {
			s := httptest.NewServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			return strings.Replace(s.URL, "http:", "https:", 1), mute(t)
		},
		"a false certificate": func(t *testing.T) (string, string) {
			s := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
			s.StartTLS()
			t.Cleanup(s.Close)
			return s.URL, mute(t)
		},
	}
	for name, fails := range failures {
		if (name == "slow" || name == "endless") && os.Getenv("ROLLCALL_LONG") == "" {
			continue // each call is waited for to its end: make threats does
		}
		vendors[name] = func(t *testing.T) (string, string) {
			var asked sync.Map
			s := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Store(r.URL.Path, true)
				fails(w, r)
			})))
			t.Cleanup(func() {
				if _, followed := asked.Load(elsewhere); followed {
					t.Errorf("%s: a redirect was followed", name)
				}
				paths := []string{
					"/open-apis/auth/v3/tenant_access_token/internal", "/cgi-bin/gettoken", "/v1.0/oauth2/accessToken", "/scim/ServiceProviderConfig",
					"/open-apis/bot/v2/hook/canaryhook-4411-aabb", "/robot/send", "/cgi-bin/webhook/send",
				}
				for _, path := range paths {
					if _, is := asked.Load(path); !is {
						t.Errorf("nobody asked for %s, so its failure is not shown", path)
					}
				}
			})
			s.Start()
			t.Cleanup(s.Close)
			return s.URL, mute(t)
		}
	}
	exe := swift(t)
	var all sync.WaitGroup // the calls wait for each other's retries, not for a processor
	for i, name := range slices.Sorted(maps.Keys(vendors)) {
		dir := t.TempDir()
		base, tcp := vendors[name](t)
		all.Go(func() {
			config := filepath.Join(dir, "rollcall.yaml")
			roster := "工号,姓名,手机,邮箱,部门\n0001,王磊,13812345678,wanglei@example.com,研发\n"
			if err := errors.Join(os.WriteFile(config, []byte(plantedConfig(base, tcp)), 0o600), os.WriteFile(filepath.Join(dir, "roster.csv"), []byte(roster), 0o600)); err != nil {
				t.Error(err)
				return
			}
			flows := []string{"to-feishu", "to-wecom", "to-dingtalk", "to-scim", "from-ad", "from-pg", "from-my"}
			said := ""
			for _, args := range [][]string{
				{"config", "check", config},
				{"config", "show", config},
				{"doctor", "--deep", "--config", config},
				{"plan", flows[i%len(flows)], "--person", "李敏", "--config", config},
				{"runs", "--config", config},
			} {
				out := terminal(t, exe, args...)
				unseen(t, name+": "+strings.Join(args[:2], " "), out, planted())
				said += out
			}
			for _, want := range []string{"***", `"level":"`, "feishu", "dingtalk", "✗ pg", "✗ ad"} {
				if !strings.Contains(said, want) {
					t.Errorf("%s: the test does not see %q: %.3000s", name, want, said)
				}
			}
			unseenInFiles(t, filepath.Join(dir, "data"), planted())
		})
	}
	all.Wait()
}

// quiet lets a test server not log what we do to it.
func quiet(s *httptest.Server) *httptest.Server {
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// terminal runs a command line in this process, at level debug, for at most a
// minute, and gives all that it printed.
func terminal(t *testing.T, exe func() (string, error), args ...string) string {
	t.Helper()
	var out lockedBuffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p := &process{args: args, getenv: debugging, stdin: strings.NewReader(""), stdout: &out, stderr: &out, now: time.Now, executable: exe}
	p.run(ctx)
	if ctx.Err() != nil {
		t.Errorf("%v does not end", args)
	}
	return out.String()
}

// lockedBuffer takes the output and the log of one command.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// unseenInFiles looks into every file of a folder: the database with its journal,
// snapshots and whatever else there is.
func unseenInFiles(t *testing.T, dir string, canaries []canary) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		unseen(t, path, string(raw), canaries)
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files in %s: %v", files, dir, err)
	}
}

// TestT70_CanariesCanBeFound: the search would notice.
func TestT70_CanariesCanBeFound(t *testing.T) {
	t.Parallel()
	c := canary{"key", "canary/hook 4411"}
	for _, text := range []string{
		"x canary/hook 4411 y", "?key=canary%2Fhook+4411&", "/canary%2Fhook%204411", fmt.Sprintf("%x", c.text), base64.StdEncoding.EncodeToString([]byte(c.text)),
	} {
		if _, found := c.seen(text); !found {
			t.Errorf("not found in %q", text)
		}
	}
	if _, found := c.seen("canary hook"); found {
		t.Error("found where it is not")
	}
}
