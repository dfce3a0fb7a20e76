package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// confined starts a program as the container does, without Docker: in a mount
// namespace of its own with a read-only root, /tmp in memory where nothing can be
// executed, another user without a single capability, and no way to gain one.
const confined = `set -e
mount --make-rprivate /
mount -t tmpfs -o size=16m,mode=1777,noexec,nosuid,nodev none %[1]s/tmp
mount -t tmpfs -o size=16m,mode=0700,uid=%[2]d,gid=%[2]d none %[1]s/data
mount -o remount,bind,ro /
cd /
exec setpriv --reuid=%[2]d --regid=%[2]d --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all env -i TMPDIR=%[1]s/tmp "$@"
`

// TestT124_LeastPrivilege serves with what the container gives, and no more, as
// two users. ROLLCALL_BINARY names a binary that was built for release (make
// least-privilege); otherwise the test's own is used.
func TestT124_LeastPrivilege(t *testing.T) {
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("NOT RUN: only root on Linux can take everything away from a process")
	}
	for _, tool := range []string{"unshare", "setpriv", "mount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT RUN: there is no %s here", tool)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("NOT RUN: no mount namespaces here: %s", out)
	}
	for _, uid := range []int{65532, 12345} {
		t.Run(fmt.Sprint(uid), func(t *testing.T) { leastPrivilege(t, uid) })
	}
}

func leastPrivilege(t *testing.T, uid int) {
	dir, err := os.MkdirTemp("/var/tmp", "rollcall-t124-") //nolint:usetesting // t.TempDir is under /tmp, closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	binary := filepath.Join(dir, "rollcall")
	copyProgram(t, binary)
	port := freePort(t)
	config := filepath.Join(dir, "rollcall.yaml")
	for name, text := range map[string]string{
		"roster.csv": "工号,姓名\n0001,王磊\n",
		"rollcall.yaml": "data: data\nserver: {listen: \"127.0.0.1:" + port + "\"}\n" +
			"systems:\n  hr: {type: file, path: roster.csv, id: 工号, contents: full}\n  out: {type: file, path: data/out.csv, id: 工号, contents: full}\n" +
			"flows:\n  f: {from: hr, to: out, users: {match: [工号], map: {工号: 工号, 姓名: 姓名}, rule: hired.js}}\n",
		"hired.js": "return context;\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"tmp", "data"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var log lockedBuffer
	cmd := exec.CommandContext(ctx, "unshare", "-m", "sh", "-c", fmt.Sprintf(confined, dir, uid), "sh", binary, "serve", "--config", config)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for _, path := range []string{"/healthz", "/readyz"} {
		until(t, path+" answers 200; "+log.String(), func() bool {
			select {
			case err := <-ended:
				t.Fatalf("it ends: %v\n%s", err, log.String())
			default:
			}
			res, err := http.Get("http://127.0.0.1:" + port + path)
			if err != nil {
				return false
			}
			_ = res.Body.Close()
			return res.StatusCode == http.StatusOK
		})
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)) // every exec kept the process
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{fmt.Sprintf("Uid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d", uid), "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("not %q:\n%s", want, status)
		}
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mountinfo", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{` / / ro[, ]`, regexp.QuoteMeta(dir) + `/tmp \S*noexec`} {
		if !regexp.MustCompile(want).Match(mounts) {
			t.Errorf("no mount is %s:\n%s", want, mounts)
		}
	}
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", cmd.Process.Pid))
	if err != nil || !bytes.Contains(args, []byte("serve")) {
		t.Errorf("%q %v", args, err)
	}
	if out := terminal(t, os.Executable, "healthz", "--ready", "--config", config); out != "" {
		t.Errorf("healthz: %s", out)
	}
	stop()
	if err := <-ended; err != nil && !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("ends by %v: %s", err, log.String())
	}
	if out := terminal(t, os.Executable, "healthz", "--config", config); !strings.Contains(out, port) {
		t.Errorf("healthz of nobody: %q", out)
	}
}

// copyProgram copies the program under test, to be called rollcall.
func copyProgram(t *testing.T, to string) {
	t.Helper()
	from := os.Getenv("ROLLCALL_BINARY")
	if from == "" {
		var err error
		if from, err = os.Executable(); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, raw, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestT124_Dockerfile reads the recipe of the image.
func TestT124_Dockerfile(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	last := text[strings.LastIndex(text, "\nFROM "):]
	for _, want := range []string{
		`(?m)^USER [1-9][0-9]*:[1-9][0-9]*$`, `(?m)^HEALTHCHECK .*\\\n\s+CMD \["/rollcall", "healthz"`, `(?m)^ENTRYPOINT \["/rollcall"\]$`,
	} {
		if !regexp.MustCompile(want).MatchString(last) {
			t.Errorf("the image lacks %s", want)
		}
	}
	if regexp.MustCompile(`(?m)^RUN|apt-get|/bin/sh|curl|wget`).MatchString(last) {
		t.Error("the image needs a shell")
	}
	if regexp.MustCompile(`(?mi)^ADD|(PASSWORD|SECRET|TOKEN)=`).MatchString(text) {
		t.Error("the recipe adds from elsewhere, or holds a secret")
	}
	// Every base can be pinned from outside, and the recipe says how.
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(m[1], "${") && !strings.Contains(m[1], "@sha256:") {
			t.Errorf("%s is not pinned", m[1])
		}
	}
	if !strings.Contains(text, "@sha256:…") || !strings.Contains(text, "-mod=readonly") || !strings.Contains(text, "go mod verify") || !strings.Contains(text, "CGO_ENABLED=0") {
		t.Error("how to pin, or how the build is bound to go.sum, is missing")
	}
}

// TestT124_T73_Compose reads the file that starts the service.
func TestT124_T73_Compose(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			User        string
			ReadOnly    bool     `yaml:"read_only"`
			CapDrop     []string `yaml:"cap_drop"`
			SecurityOpt []string `yaml:"security_opt"`
			Tmpfs       []string
			Ulimits     map[string]int
			Privileged  bool
			Ports       []string
			Volumes     []string
			Command     any
			Networks    []string
			Healthcheck struct{ Test []string }
		}
		Networks map[string]struct{ Internal bool }
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 2 {
		t.Fatalf("%d services", len(file.Services))
	}
	for name, s := range file.Services {
		if !s.ReadOnly || fmt.Sprint(s.CapDrop) != "[ALL]" || fmt.Sprint(s.SecurityOpt) != "[no-new-privileges:true]" || s.Privileged || s.User == "" || s.User == "root" {
			t.Errorf("%s: %+v", name, s)
		}
		if len(s.Tmpfs) != 1 || !strings.Contains(s.Tmpfs[0], "noexec") || !strings.Contains(s.Tmpfs[0], "size=") {
			t.Errorf("%s: tmpfs %v", name, s.Tmpfs)
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s: everybody reaches %s", name, port)
			}
		}
		for _, v := range s.Volumes {
			if strings.Contains(v, "docker.sock") || strings.HasPrefix(v, "/") {
				t.Errorf("%s: %s", name, v)
			}
		}
		// A password in the arguments is everybody's on the machine.
		if words := fmt.Sprint(s.Command); regexp.MustCompile(`--requirepass|--pass`).MatchString(words) {
			t.Errorf("%s: %s", name, words)
		}
	}
	if core, set := file.Services["rollcall"].Ulimits["core"]; !set || core != 0 {
		t.Error("rollcall may dump its memory")
	}
	for name, probe := range map[string]string{"rollcall": "[CMD /rollcall healthz --config /etc/rollcall/rollcall.yaml]", "redis": "redis-cli ping"} {
		if got := fmt.Sprint(file.Services[name].Healthcheck.Test); !strings.Contains(got, probe) {
			t.Errorf("%s is probed by %s", name, got)
		}
	}
	if redis := file.Services["redis"]; len(redis.Ports) > 0 || fmt.Sprint(redis.Networks) != "[inside]" || !file.Networks["inside"].Internal {
		t.Errorf("others reach redis: %+v", redis)
	}
}
