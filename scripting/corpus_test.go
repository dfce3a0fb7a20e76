package scripting

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Bounds of the processes while the whole corpus runs, without the race detector. A
// child's limit counts from what it has reserved at its start, used or not, and what
// it only reads comes on top.
const (
	parentPeak = 256 << 20
	childSlack = 160 << 20
)

// escaped is the reason that a hostile script gives when its trick worked.
const escaped = "ESCAPED"

// everyAttack is how many of the scripts run: the race detector makes children ten
// times slower, and finds in some of them what it finds in all.
func everyAttack() int {
	if raceEnabled {
		return 7
	}
	return 1
}

// attack is one file of testdata/hostile. Its first lines say what must come of it
// and what it tries:
//
//	// want: overstayed | died: memory   (any of these, see verdictOf; how it begins)
//	// tries: …
//	// whole                             (the text is all of the rule, for everybody)
//	// everybody                         (all objects run it, not only the evil one)
type attack struct {
	name      string
	text      string
	want      []string
	whole     bool
	everybody bool
}

// attacks reads the scripts, each nth of them.
func attacks(nth int) ([]attack, error) {
	files, err := filepath.Glob("testdata/hostile/*.js")
	if err != nil {
		return nil, err
	}
	all := make([]attack, 0, len(files))
	for i, path := range files {
		if i%nth != 0 {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		a := attack{name: strings.TrimSuffix(filepath.Base(path), ".js")}
		rest, ok := strings.CutPrefix(string(text), "// want: ")
		want, rest, more := strings.Cut(rest, "\n")
		what, rest, evenMore := strings.Cut(rest, "\n")
		if !ok || !more || !evenMore || !strings.HasPrefix(what, "// tries: ") {
			return nil, fmt.Errorf("%s: want and tries must come first", path)
		}
		a.want = strings.Split(want, " | ")
		rest, a.whole = strings.CutPrefix(rest, "// whole\n")
		a.text, a.everybody = strings.CutPrefix(rest, "// everybody\n")
		all = append(all, a)
	}
	return all, nil
}

func (a attack) rule() string {
	const ordinary = "\nrepo.executeCreate(); return context"
	switch {
	case a.whole:
		return a.text
	case a.everybody:
		return a.text + ordinary
	}
	return evil(a.text)
}

// report is what came of one attack.
type report struct {
	Name      string
	Evil      string // what came of the evil object, or of the rule
	Suffers   []string
	Escaped   bool
	Limit     bool   // the verdict says that a limit was outrun
	Unbounded string // what should not have happened to the host
	Took      time.Duration
	Peak      int64 // bytes of the largest child; 0 when not known
	Parent    int64 // bytes of the process that ran all; in the last report
}

// run judges a crowd with the attack.
func (a attack) run() report {
	began := time.Now()
	r := report{Name: a.name}
	o := hostileOptions(a.rule())
	o.Workers, o.ObjectTime, o.BatchTime = 1, 300*time.Millisecond, 2*time.Second
	if raceEnabled {
		o.ObjectTime, o.BatchTime = 1500*time.Millisecond, 4*time.Second
	}
	var mu sync.Mutex
	var started []*exec.Cmd
	o.Command = func(ctx context.Context) *exec.Cmd {
		cmd := childCommand(ctx)
		mu.Lock()
		started = append(started, cmd)
		mu.Unlock()
		return cmd
	}
	h, err := New(o)
	switch {
	case fault.KindOf(err) == fault.Invalid:
		r.Evil = "refused: " + fault.In(fault.Say(err), "en")
	case err != nil:
		r.Unbounded = err.Error()
	default:
		a.judge(h, &r)
		h.Close()
	}
	r.Took = time.Since(began)
	for _, cmd := range started {
		if cmd.ProcessState == nil {
			r.Unbounded = "a child is still there"
			continue
		}
		r.Peak = max(r.Peak, childPeak(cmd))
	}
	return r
}

func (a attack) judge(h *Host, r *report) {
	got, err := h.Judge(context.Background(), crowd(), company)
	if err != nil {
		r.Unbounded = err.Error()
		return
	}
	for i, s := range crowd() {
		if strings.Contains(got[i].Reason, escaped) {
			r.Escaped = true
		}
		switch v := got[i]; {
		case s.Object.ID == "evil":
			r.Evil, r.Limit = verdictOf(v), v.Failed != nil && v.Failed.Limit
			if v.Failed != nil && (v.Calls != plan.Calls{} || v.Returned || v.Data != nil || v.Abort != nil || v.AbortAny || v.At != plan.Place{}) {
				r.Unbounded = fmt.Sprintf("a failed verdict says more: %+v", v)
			}
			if v.Failed == nil && v.Calls.Delete {
				r.Unbounded = "it deletes"
			}
		case a.whole:
		case v.Failed != nil || !v.Calls.Create || !v.Returned || v.Data != nil || v.Calls.Delete:
			r.Suffers = append(r.Suffers, fmt.Sprintf("%s: %s", s.Object.ID, verdictOf(v)))
		}
	}
}

// verdictOf names what came of an object: overstayed, "died: memory", "died: nesting",
// "died: killed", depth, "threw: what", "failed: what", or harmless.
func verdictOf(v plan.Verdict) string {
	if v.Failed == nil {
		return "harmless"
	}
	say := fault.In(v.Failed.Say, "en")
	for _, kind := range []struct {
		text texts
		name string
	}{{textThrew, "threw: "}, {textDepth, "depth"}, {textOverstayed, "overstayed"}, {textDied, "died: "}} {
		sign, _, _ := strings.Cut(kind.text.en, "%")
		rest, ok := strings.CutPrefix(say, sign)
		switch {
		case !ok:
			continue
		case kind.name == "threw: ":
			return kind.name + rest
		case kind.name != "died: ":
			return kind.name
		case strings.Contains(rest, "nesting"):
			return "died: nesting"
		case strings.HasPrefix(rest, "it takes too much memory"):
			return "died: memory"
		}
		return "died: killed"
	}
	return "failed: " + say
}

// hostileParent is the body of another process in TestHostileCorpus: it runs all
// attacks and prints a report of each.
func hostileParent() error {
	all, err := attacks(everyAttack())
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	var mu sync.Mutex
	var wg sync.WaitGroup
	queue := make(chan attack)
	for range 4 { // many only wait for their children's silence
		wg.Go(func() {
			for a := range queue {
				r := a.run()
				mu.Lock()
				if e := out.Encode(r); e != nil {
					err = e
				}
				mu.Unlock()
			}
		})
	}
	for _, a := range all {
		queue <- a
	}
	close(queue)
	wg.Wait()
	if err != nil {
		return err
	}
	return out.Encode(report{Parent: ownPeak()})
}

// TestHostileCorpus runs every script of testdata/hostile in a crowd of ordinary
// objects, all in one process: what is expected comes of each, the others are judged,
// and neither the process nor a child outgrows its bounds.
func TestHostileCorpus(t *testing.T) {
	t.Parallel()
	all, err := attacks(everyAttack())
	if err != nil || len(all) < 300/everyAttack() {
		t.Fatalf("%d scripts: %v", len(all), err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "evil-parent")
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reports := map[string]report{}
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r report
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		reports[r.Name] = r
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the process that runs the scripts: %v", err)
	}
	var largest int64
	told := false
	for _, r := range reports {
		largest = max(largest, r.Peak)
		told = told || r.Limit
	}
	for _, a := range all {
		r, ok := reports[a.name]
		if !ok {
			t.Errorf("%s: no report", a.name)
			continue
		}
		r.check(t, a)
		// Either the host tells of no limit at all, or of each that was outrun.
		outran := r.Evil == "overstayed" || r.Evil == "depth" || strings.HasPrefix(r.Evil, "died")
		if told && outran && !r.Limit || r.Limit && !strings.HasPrefix(r.Evil, "failed") && !outran {
			t.Errorf("%s: %s, told as a limit: %v", r.Name, r.Evil, r.Limit)
		}
	}
	peak := reports[""].Parent
	t.Logf("%d scripts; peak of the parent %d MiB, of a child %d MiB", len(all), peak>>20, largest>>20)
	if peak > parentPeak && !raceEnabled {
		t.Errorf("the parent took %d MiB", peak>>20)
	}
}

func (r report) check(t *testing.T, a attack) {
	t.Helper()
	as := false
	for _, want := range a.want {
		switch {
		case strings.HasPrefix(want, "refused: "):
			as = as || strings.HasPrefix(r.Evil, "refused: ") && strings.Contains(r.Evil, strings.TrimPrefix(want, "refused: "))
		case raceEnabled && strings.HasPrefix(want, "died"): // in other words
			as = as || strings.HasPrefix(r.Evil, "died")
		default:
			as = as || strings.HasPrefix(r.Evil, want)
		}
	}
	if !as {
		t.Errorf("%s: %s, want %s", r.Name, r.Evil, strings.Join(a.want, " | "))
	}
	if r.Escaped {
		t.Errorf("%s: its trick works", r.Name)
	}
	if len(r.Suffers) > 0 {
		t.Errorf("%s: others suffer: %s", r.Name, strings.Join(r.Suffers, "; "))
	}
	if r.Unbounded != "" {
		t.Errorf("%s: %s", r.Name, r.Unbounded)
	}
	if most := int64(hostileOptions("").MemoryMB)<<20 + childSlack; r.Peak > most && !raceEnabled {
		t.Errorf("%s: a child took %d MiB", r.Name, r.Peak>>20)
	}
	if r.Took > 2*time.Minute {
		t.Errorf("%s: took %v", r.Name, r.Took)
	}
	if testing.Verbose() {
		t.Logf("%-32s %-60.60s %6d ms %4d MiB", r.Name, r.Evil, r.Took.Milliseconds(), r.Peak>>20)
	}
}

// crowd are ordinary people, and one whom the hostile scripts look out for.
func crowd() []plan.Subject {
	var all []plan.Subject
	for _, id := range []string{"a", "b", "evil", "c", "d"} {
		all = append(all, person(id, directory.Attributes{"name": directory.TextOf(id)}))
	}
	return all
}
