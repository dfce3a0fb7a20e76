// Package configs reads the one YAML file of Rollcall into plain structs.
//
// It refuses what it does not know, reports every mistake at once with its
// line and column, in Chinese and in English, and resolves the references of
// secrets. It is not for using the values: it opens no connection, reads no
// roster, compiles no rule, and knows no other package than sync/fault. The
// command turns these structs into the options of the packages.
package configs

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Options tells Load and Parse where the file is and how the world is read.
// The package itself never touches the process, the disk or the clock.
type Options struct {
	// Path is the file of the configuration. Relative paths inside the file
	// start at its folder. It is also the name in front of every mistake.
	Path string
	// Getenv gives a variable of the environment. Nil: nothing is set.
	Getenv func(name string) (string, bool)
	// ReadFile reads the configuration, the files of `file:` references and
	// the rule files. Nil: no file can be read.
	ReadFile func(path string) ([]byte, error)
	// Stat gives mode and size of a file, for the warning about files that
	// others can read. Nil: there is no such warning.
	Stat func(path string) (fs.FileInfo, error)
	// LooseRules makes warnings of what is wrong with rule files: whoever runs the
	// flows stops those alone.
	LooseRules bool
	// Offline is for tools that call nobody, on a machine without the secrets: a
	// variable that is not set and a file of a secret that is not there are no
	// mistakes, and what they would hold is a text that means nothing.
	Offline bool
}

// maxFile is the largest configuration that is read, in bytes.
const maxFile = 1 << 20

// Config is the whole file with every default filled in.
type Config struct {
	// Locale is the default language of rooms: zh-CN (default) or en.
	Locale string `yaml:"locale" jsonschema:"enum=zh-CN,enum=en,default=zh-CN"`
	// Timezone is the IANA name of the zone of schedules and of today().
	// Default Asia/Shanghai. Location gives it ready for use.
	Timezone string `yaml:"timezone" jsonschema:"default=Asia/Shanghai"`
	// Data is the folder of the embedded record and of files that Rollcall
	// makes, as written. Default ./data. Turn it into a path by Resolve.
	Data string `yaml:"data" ref:"env" jsonschema:"default=./data"`
	// DataKey encrypts the snapshots in the data folder: 32 bytes in Base64 or
	// in hex. Not set: no encryption. SnapshotKey gives the bytes.
	DataKey Secret `yaml:"data_key"`
	// AuditKey makes the hashes of the audit's chain: 32 bytes in Base64 or in
	// hex, or several, newest first, parted by space, comma or line. Not set: a
	// chain that anybody could make anew. AuditKeys gives the bytes.
	AuditKey Secret `yaml:"audit_key"`
	// Server is the HTTP side.
	Server Server `yaml:"server"`
	// Record is the SQL record. Default sqlite.
	Record Record `yaml:"record"`
	// Redis is the transport between replicas. Default none.
	Redis Redis `yaml:"redis"`
	// Outbound says where connections may lead whose address no admin wrote.
	Outbound Outbound `yaml:"outbound"`
	// Timing is how patient the process is.
	Timing Timing `yaml:"timing"`
	// Hours are when people are at work: reminders wait for them. Default 09:00
	// to 19:00 on weekdays.
	Hours Hours `yaml:"hours"`
	// Quiet is when ordinary notices wait for the next digest. Default never.
	Quiet Quiet `yaml:"quiet"`
	// Limits are how many commands are obeyed in a minute.
	Limits Limits `yaml:"limits"`
	// AdminRoom names the room that hears of what cannot be delivered. Empty: the
	// other rooms of the flow.
	AdminRoom string `yaml:"admin_room"`
	// Systems are the places that hold accounts, in the order of the file.
	Systems Table[System] `yaml:"systems"`
	// Bots are the chat sides of the platforms.
	Bots Bots `yaml:"bots"`
	// Webhooks are signed group robots, in the order of the file.
	Webhooks Table[Webhook] `yaml:"webhooks"`
	// People says who may do what.
	People []Person `yaml:"people"`
	// Rooms are the chat groups that Rollcall serves.
	Rooms []Room `yaml:"rooms"`
	// Flows are the directions of synchronisation, in the order of the file.
	Flows Table[Flow] `yaml:"flows"`
	// Digests are the scheduled summaries.
	Digests []Digest `yaml:"digests"`

	// Warnings are what an admin should look at although the file is usable,
	// in the order of the file.
	Warnings []Mistake `yaml:"-"`

	file     string
	location *time.Location
}

// Server is the HTTP side of the process.
type Server struct {
	// Listen is host:port of the HTTP server. Default 127.0.0.1:8080.
	Listen string `yaml:"listen" ref:"env" jsonschema:"default=127.0.0.1:8080"`
	// PublicURL is where platforms and people reach the server, without a
	// slash at the end; empty: not reachable. Needed for HTTP callbacks and
	// for links.
	PublicURL string `yaml:"public_url" ref:"env"`
	// Metrics is host:port of an address of its own for Prometheus, with
	// /metrics, /healthz and /readyz; empty: none. On other than loopback it needs
	// MetricsToken.
	Metrics string `yaml:"metrics" ref:"env"`
	// MetricsToken is the bearer token that Prometheus brings, 24 characters at least.
	MetricsToken Secret `yaml:"metrics_token"`
	// Traces is the collector that takes traces by OTLP over HTTP; empty: as the
	// variables OTEL_EXPORTER_OTLP_ENDPOINT and the like say, if they are set.
	Traces string `yaml:"traces" ref:"env"`
}

// Timing is how patient the process is. The defaults fit the real platforms.
type Timing struct {
	// Lease is how long a silent worker keeps its flow, from 2s to 25s; longer
	// than Call. Default 20s.
	Lease Duration `yaml:"lease" jsonschema:"default=20s"`
	// Sweep is how often the record is searched for work that nobody does, from
	// 100ms to 60s. Default 5s.
	Sweep Duration `yaml:"sweep" jsonschema:"default=5s"`
	// Call bounds one call that writes to a system, from 500ms to 20s. Default
	// 10s.
	Call Duration `yaml:"call" jsonschema:"default=10s"`
	// Settle is how long after a lost answer a system may still be at work on
	// the call, up to 10m. Default 0: as each system describes itself.
	Settle Duration `yaml:"settle"`
	// Read bounds how long source and target of one run are read, from 1m to 24h: a
	// run that takes longer fails, and nothing of what came is used. Default 2h.
	Read Duration `yaml:"read" jsonschema:"default=2h"`
	// Rules bounds what the rules of one run take together, from 1m to 24h: a run
	// whose rules take longer is blocked. Default 30m.
	Rules Duration `yaml:"rules" jsonschema:"default=30m"`
}

// Limits are how many commands are obeyed in a minute; cancel, reject and pause
// have one of their own for each person.
type Limits struct {
	// Person is of one person, from 1 to 1000. Default 10.
	Person int `yaml:"person" jsonschema:"default=10,minimum=1,maximum=1000"`
	// Room is in one room, from 1 to 10000. Default 30.
	Room int `yaml:"room" jsonschema:"default=30,minimum=1,maximum=10000"`
}

// Load reads Options.Path. The error is a fault: NotFound when the file is
// not there, Invalid otherwise, then with a *Mistakes inside when the content
// is wrong. Warnings alone give no error: see Config.Warnings.
func Load(opts Options) (*Config, error) {
	if opts.ReadFile == nil {
		return nil, fault.New(fault.Internal, "no way to read files was given / 没有提供读取文件的方法")
	}
	data, err := opts.ReadFile(opts.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fault.NotFound, err, "there is no configuration %[1]s / 找不到配置文件 %[1]s", opts.Path)
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, err, "the configuration %[1]s cannot be read / 配置文件 %[1]s 读不了", opts.Path)
	}
	return Parse(data, opts)
}

// Parse reads a configuration from data. Options.Path names it in mistakes
// and gives the folder of relative paths. The error is as that of Load. It
// never panics, whatever data holds.
func Parse(data []byte, opts Options) (*Config, error) {
	d := &decoder{opts: opts, places: map[string]Place{}, unset: map[string]bool{}}
	c := &Config{file: opts.Path}
	if root, ok := d.source(data); ok {
		d.root(root, c)
		check := checker{decoder: d, cfg: c}
		check.all()
	}
	d.found = slices.DeleteFunc(d.found, func(m Mistake) bool { return d.unset[m.Path] })
	sortMistakes(d.found)
	errs := 0
	for _, m := range d.found {
		if m.Severity == Error {
			errs++
		}
	}
	if errs > 0 {
		return nil, fault.Wrap(fault.Invalid, &Mistakes{File: opts.Path, List: d.found},
			"the configuration %[1]s has %[2]d mistake(s) / 配置文件 %[1]s 有 %[2]d 处错误", opts.Path, errs)
	}
	c.Warnings = d.found
	return c, nil
}

// Location gives the time zone of schedules and of today().
func (c *Config) Location() *time.Location { return c.location }

// SnapshotKey gives the 32 bytes of DataKey; nil when there is none.
func (c *Config) SnapshotKey() []byte {
	if key, ok := keyBytes(c.DataKey.Reveal()); ok {
		return key
	}
	return nil
}

// AuditKeys gives the keys of AuditKey, newest first, 32 bytes each; nil when
// there is none.
func (c *Config) AuditKeys() [][]byte {
	keys, _ := keyList(c.AuditKey.Reveal())
	return keys
}

// keyList reads keys that are parted by space, comma or line.
func keyList(text string) ([][]byte, bool) {
	var keys [][]byte
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		key, ok := keyBytes(word)
		if !ok {
			return nil, false
		}
		keys = append(keys, key)
	}
	return keys, len(keys) > 0
}

// keyLen is the length of a key in bytes.
const keyLen = 32

// keyBytes reads a key in hex or in Base64.
func keyBytes(text string) ([]byte, bool) {
	if key, err := hex.DecodeString(text); err == nil && len(key) == keyLen {
		return key, true
	}
	key, err := base64.StdEncoding.DecodeString(text)
	return key, err == nil && len(key) == keyLen
}

// Resolve turns a path of the file (Data, FileSystem.Path, a rule) into one
// that can be opened: a relative path starts at the folder of the file.
func (c *Config) Resolve(path string) string { return resolve(c.file, path) }

// System gives the system of that name.
func (c *Config) System(name string) (*System, bool) {
	return find(c.Systems, func(s *System) bool { return s.Name == name })
}

// Flow gives the flow of that name.
func (c *Config) Flow(name string) (*Flow, bool) {
	return find(c.Flows, func(f *Flow) bool { return f.Name == name })
}

// Webhook gives the webhook of that name.
func (c *Config) Webhook(name string) (*Webhook, bool) {
	return find(c.Webhooks, func(w *Webhook) bool { return w.Name == name })
}

// Room gives the room of that name.
func (c *Config) Room(name string) (*Room, bool) {
	return find(c.Rooms, func(r *Room) bool { return r.Name == name })
}

// Person gives the person of that name.
func (c *Config) Person(name string) (*Person, bool) {
	return find(c.People, func(p *Person) bool { return p.Name == name })
}

// find gives the first element that fits.
func find[S ~[]T, T any](list S, fits func(*T) bool) (*T, bool) {
	for i := range list {
		if fits(&list[i]) {
			return &list[i], true
		}
	}
	return nil, false
}

// resolve joins a relative path to the folder of file.
func resolve(file, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}

// covers tells whether a list of flow names, or "*", holds name.
func covers(list []string, name string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, name)
}

// child joins a key to a key path; what cannot be shown is quoted.
func child(path, key string) string {
	for _, r := range key {
		if r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' || (r >= '\u202a' && r <= '\u202e') || (r >= '\u2066' && r <= '\u2069') {
			key = strings.Trim(fmt.Sprintf("%+q", key), `"`)
			break
		}
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// item joins an index to a key path.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
