package configs

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/rollcallhq/rollcall/sync/fault"
)

var update = flag.Bool("update", false, "write goldens and schema.json anew")

// world is the environment and the files of a test.
type world struct {
	env   map[string]string
	files map[string]string // by full path; a name that ends in .open is readable by all
}

func (w world) options(path string) Options {
	return Options{
		Path: path,
		Getenv: func(name string) (string, bool) {
			value, ok := w.env[name]
			return value, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			text, ok := w.files[path]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
			}
			return []byte(text), nil
		},
		Stat: func(path string) (fs.FileInfo, error) {
			text, ok := w.files[path]
			if !ok {
				return nil, &fs.PathError{Op: "stat", Path: path, Err: fs.ErrNotExist}
			}
			return info{name: path, size: int64(len(text))}, nil
		},
	}
}

type info struct {
	name string
	size int64
}

func (i info) Name() string       { return filepath.Base(i.name) }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return strings.HasSuffix(i.name, ".d") }
func (i info) Sys() any           { return nil }
func (i info) Mode() fs.FileMode {
	if strings.HasSuffix(i.name, ".open") {
		return 0o644
	}
	return 0o600
}

// TestMistakes reads every testdata/mistakes/*.txtar: config.yaml, env (lines
// of NAME=VALUE) and other files, against want.en and want.zh.
func TestMistakes(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob("testdata/mistakes/*.txtar")
	if err != nil || len(cases) < 10 {
		t.Fatalf("found %d cases, %v", len(cases), err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w := world{env: map[string]string{}, files: map[string]string{}}
			want := map[string]string{}
			var kept []txtar.File
			for _, f := range archive.Files {
				switch f.Name {
				case "want.en", "want.zh":
					want[f.Name] = string(f.Data)
					continue
				case "env":
					for line := range strings.Lines(string(f.Data)) {
						name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
						w.env[name] = value
					}
				default:
					w.files[resolve("/etc/rollcall/config.yaml", f.Name)] = string(f.Data)
				}
				kept = append(kept, f)
			}
			got := render(t, w, "/etc/rollcall/config.yaml")
			if *update {
				archive.Files = append(slices.Clone(kept), txtar.File{Name: "want.en", Data: []byte(got["en"])}, txtar.File{Name: "want.zh", Data: []byte(got["zh-CN"])})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got["en"] != want["want.en"] {
				t.Errorf("in English got:\n%s\nwant:\n%s", got["en"], want["want.en"])
			}
			if got["zh-CN"] != want["want.zh"] {
				t.Errorf("in Chinese got:\n%s\nwant:\n%s", got["zh-CN"], want["want.zh"])
			}
		})
	}
}

// render loads a file and gives its mistakes, or its warnings, by language.
func render(t *testing.T, w world, path string) map[string]string {
	t.Helper()
	c, err := Load(w.options(path))
	m, ok := errors.AsType[*Mistakes](err)
	switch {
	case err == nil:
		m = &Mistakes{File: path, List: c.Warnings}
	case !ok || fault.KindOf(err) != fault.Invalid || c != nil:
		t.Fatalf("got %v, %v; want Mistakes in an Invalid fault", c, err)
	}
	for _, one := range m.List {
		if one.Say.ZH == "" || one.Say.EN == "" || one.Say.ZH == one.Say.EN {
			t.Errorf("%s: not in both languages: %+v", one.Path, one.Say)
		}
		if strings.Contains(one.Say.ZH+one.Say.EN, "%!") {
			t.Errorf("%s: badly formatted: %+v", one.Path, one.Say)
		}
		if one.Line < 0 || one.Line > 0 && one.Column < 1 {
			t.Errorf("%s: no place: %d:%d", one.Path, one.Line, one.Column)
		}
	}
	out := map[string]string{}
	for _, lang := range []string{"en", "zh-CN"} {
		out[lang] = strings.ReplaceAll(m.Render(lang), "/etc/rollcall/", "")
	}
	return out
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		opts Options
		want fault.Kind
	}{
		"no file": {world{}.options("nowhere.yaml"), fault.NotFound},
		"no permission": {Options{Path: "x.yaml", ReadFile: func(string) ([]byte, error) {
			return nil, fs.ErrPermission
		}}, fault.Invalid},
		"no way to read": {Options{Path: "x.yaml"}, fault.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Load(tt.opts)
			if c != nil || fault.KindOf(err) != tt.want {
				t.Errorf("got %v, %v; want kind %s", c, err, tt.want)
			}
		})
	}
}

// TestLimits keeps files that are no configuration from costing much.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"size":    {strings.Repeat("#", maxFile+1), "larger than 1 MiB"},
		"keys":    {strings.Repeat("a: b\n", maxKeys+1), "more than 10000 keys"},
		"lists":   {"a:\n" + strings.Repeat("- ", maxDepth+1) + "x", "nested too deep"},
		"indents": {strings.Repeat(" ", 8*maxDepth) + "a: b", "nested too deep"},
		"latin":   {"locale: \xff", "is not UTF-8"},
		"nul":     {"locale: \x00", "is not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.text), Options{Path: "x.yaml"})
			m, ok := errors.AsType[*Mistakes](err)
			if !ok || len(m.List) != 1 || !strings.Contains(m.List[0].Say.EN, tt.want) {
				t.Errorf("got %.300v, want %s", err, tt.want)
			}
		})
	}
	rule := world{files: map[string]string{"/c/big.js": strings.Repeat("/", maxRule+1)}}
	_, err := Parse([]byte("flows: {f: {from: a, to: b, users: {match: [a], map: {a: b}, rule: big.js}}}"), rule.options("/c/x.yaml"))
	if err == nil || !strings.Contains(err.Error(), "the rule file has 16385 bytes") {
		t.Errorf("got %v, want the size of the rule", err)
	}
	bom := "\xef\xbb\xbflocale: en\r\ntimezone: UTC\r\n"
	if c, err := Parse([]byte(bom), Options{}); err != nil || c.Locale != "en" || c.Timezone != "UTC" {
		t.Errorf("a byte order mark or CRLF is not taken: %v", err)
	}
}

// minimal is the least that makes a flow.
const minimal = `
systems:
  hr: {type: file, path: roster.csv, id: 工号, contents: full}
  wecom: {type: wecom, corp_id: ww1, contacts_secret: "${S}"}
bots: {feishu: {}}
people:
  - {name: a, feishu: ou_a, roles: {operator: "*"}}
  - {name: b, feishu: [ou_b, on_b, "user_id:b"], roles: {approver: "*"}}
  - {name: c, feishu: ou_c, roles: {approver: [f]}}
rooms:
  - {name: r, platform: feishu, chat_id: oc_r, flows: "*"}
flows:
  f:
    from: hr
    to: wecom
    departments: {map: {name: name}}
    users: {match: mobile, map: {userid: 工号, name: 姓名}}
    rooms: r
digests:
  - {rooms: r, at: "9:07"}
`

func parseMinimal(t *testing.T, text string) *Config {
	t.Helper()
	w := world{env: map[string]string{"S": "s3cr3t-value"}, files: map[string]string{"/c/one.js": "return context;"}}
	bot := strings.Replace(text, "feishu: {}", "feishu: {system: fs}", 1)
	bot = strings.Replace(bot, "bots:", "  fs: {type: feishu, app_id: cli_1, app_secret: \"${S}\"}\nbots:", 1)
	c, err := Parse([]byte(bot), w.options("/c/config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Warnings) > 0 {
		t.Fatalf("got warnings %+v", c.Warnings)
	}
	return c
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := parseMinimal(t, minimal)
	f := c.Flows[0]
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"locale", c.Locale, "zh-CN"},
		{"timezone", c.Location().String(), "Asia/Shanghai"},
		{"data", c.Resolve(c.Data), "/c/data"},
		{"listen", c.Server.Listen, "127.0.0.1:8080"},
		{"record", c.Record.Driver, "sqlite"},
		{"redis", c.Redis.Mode, "none"},
		{"rules", c.Timing.Rules.Std(), 30 * time.Minute},
		{"read", c.Timing.Read.Std(), 2 * time.Hour},
		{"header_row", c.Systems[0].File.HeaderRow, 0},
		{"encoding", c.Systems[0].File.Encoding, "auto"},
		{"delimiter", c.Systems[0].File.Delimiter, "auto"},
		{"wecom", c.Systems[1].WeCom.BaseURL, "https://qyapi.weixin.qq.com"},
		{"feishu", c.Systems[2].Feishu.BaseURL, "https://open.feishu.cn"},
		{"receive", c.Bots.Feishu.Receive, "connection"},
		{"room locale", c.Rooms[0].Locale, "zh-CN"},
		{"gone", f.Departments.Gone, "keep"},
		{"department match", f.Departments.Match[0], "path"},
		{"adopt", f.Adopt, "vote"},
		{"out_of_scope", f.Leavers.OutOfScope, "keep"},
		{"first", f.Leavers.First, "disable"},
		{"then", f.Leavers.Then, "keep"},
		{"after", f.Leavers.After.Std(), 30 * 24 * time.Hour},
		{"guard", f.Guard, Guard{20, 5, 50, 10, 30, 5}},
		{"approve", f.Approve, Approve{"always", 5, Duration(8 * time.Hour), true}},
		{"paused", f.Paused, false},
		{"at", c.Digests[0].At.String(), "09:07"},
		{"days", c.Digests[0].Days.String(), "daily"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.what, tt.got, tt.want)
		}
	}
}

// TestLooseRules makes what is wrong with rule files a warning, and nothing else.
func TestLooseRules(t *testing.T) {
	t.Parallel()
	files := map[string]string{"/c/big.js": strings.Repeat("/", maxRule+1), "/c/empty.js": " \n"}
	for file, want := range map[string]string{
		"none.js": "there is no file \"none.js\"", "big.js": "the rule file has 16385 bytes", "empty.js": "the rule file is empty",
	} {
		text := "systems: {a: {type: file, path: a.csv, id: n, contents: full}, b: {type: wecom, corp_id: c, contacts_secret: \"${S}\"}}\n" +
			"flows: {f: {from: a, to: b, users: {match: [employee_no], map: {userid: employee_no}, rule: " + file + "}}}"
		opts := world{env: map[string]string{"S": "s3cr3t-value"}, files: files}.options("/c/config.yaml")
		if _, err := Parse([]byte(text), opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", file, err, want)
		}
		opts.LooseRules = true
		c, err := Parse([]byte(text), opts)
		told := err == nil && slices.ContainsFunc(c.Warnings, func(m Mistake) bool {
			return m.Path == "flows.f.users.rule" && strings.Contains(m.Say.EN, want) && m.Severity == Warning
		})
		if !told || c.Flows[0].Users.Rule != file {
			t.Errorf("%s, loosely: %v", file, err)
		}
	}
}

// TestEffective shows that writing the defaults out changes nothing.
func TestEffective(t *testing.T) {
	t.Parallel()
	first := parseMinimal(t, minimal)
	shown, err := first.Effective()
	if err != nil {
		t.Fatal(err)
	}
	second, err := Parse(shown, world{}.options("/c/config.yaml"))
	if err != nil {
		t.Fatalf("%v in\n%s", err, shown)
	}
	again, err := second.Effective()
	if err != nil {
		t.Fatal(err)
	}
	if string(shown) != string(again) {
		t.Errorf("got\n%s\nwant\n%s", again, shown)
	}
	if a, b := first.Flows[0].Hash(nil, nil), second.Flows[0].Hash(nil, nil); a != b {
		t.Errorf("got hash %s, want %s", b, a)
	}
	if strings.Contains(string(shown), "s3cr3t") || !strings.Contains(string(shown), stars) {
		t.Errorf("secrets are not hidden in\n%s", shown)
	}
}

func TestOrderAndPlaces(t *testing.T) {
	t.Parallel()
	c := parseMinimal(t, strings.Replace(minimal, "users: {match: mobile, map: {userid: 工号, name: 姓名}}", `users:
      match: mobile
      map:
        zeta: a
        userid: {from: 工号, default: ""}
        alpha: {value: "{{ .a | html }}"}
        name: 0001`, 1))
	var got []string
	for _, m := range c.Flows[0].Users.Map {
		got = append(got, m.Name)
		if m.Place.Column != 9 || m.Place.Line < 20 {
			t.Errorf("%s: got place %+v", m.Name, m.Place)
		}
	}
	if want := "zeta userid alpha name"; strings.Join(got, " ") != want {
		t.Errorf("got order %v, want %s", got, want)
	}
	m := c.Flows[0].Users.Map
	if m[1].Default == nil || *m[1].Default != "" || m[2].Value != "{{ .a | html }}" || m[3].From != "0001" {
		t.Errorf("got %+v", m)
	}
	if id := c.People[1].Feishu; len(id) != 3 || id[1].Kind != "union_id" || id[2] != (FeishuID{"user_id", "b"}) {
		t.Errorf("got ids %+v", id)
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	c := parseMinimal(t, minimal)
	if s, ok := c.System("wecom"); !ok || s.WeCom.CorpID != "ww1" || s.WeCom.ContactsSecret.Reveal() != "s3cr3t-value" {
		t.Errorf("got system %+v, %t", s, ok)
	}
	if f, ok := c.Flow("f"); !ok || f.To != "wecom" {
		t.Errorf("got flow %+v, %t", f, ok)
	}
	if r, ok := c.Room("r"); !ok || r.ChatID != "oc_r" {
		t.Errorf("got room %+v, %t", r, ok)
	}
	if p, ok := c.Person("c"); !ok || p.Feishu[0].ID != "ou_c" {
		t.Errorf("got person %+v, %t", p, ok)
	}
	if w, ok := c.Webhook("x"); ok {
		t.Errorf("got webhook %+v", w)
	}
	if got := c.Resolve("/abs/x"); got != "/abs/x" {
		t.Errorf("got %s for an absolute path", got)
	}
}
