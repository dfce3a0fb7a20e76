package main

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// burden is what a process and its children have used.
type burden struct {
	cpu, ended time.Duration // its own, and of children that have ended
	rss        int64         // bytes; of the process alone
}

// ticksPerSecond is Linux's USER_HZ, in which /proc counts.
const ticksPerSecond = 100

// procStat gives a process's parent and what it used, by proc(5).
func procStat(pid string) (parent string, u burden, ok bool) {
	data, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
	if err != nil {
		return "", u, false
	}
	// The name, in brackets, may hold anything.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 22 {
		return "", u, false
	}
	var ticks [4]int64 // utime, stime, cutime, cstime
	for i := range ticks {
		ticks[i], _ = strconv.ParseInt(fields[11+i], 10, 64)
	}
	pages, _ := strconv.ParseInt(fields[21], 10, 64)
	return fields[1], burden{
		cpu: time.Duration(ticks[0]+ticks[1]) * time.Second / ticksPerSecond, ended: time.Duration(ticks[2]+ticks[3]) * time.Second / ticksPerSecond,
		rss: pages * int64(os.Getpagesize()),
	}, true
}

// usedBy adds up what a process and its children have used.
func usedBy(pid int) burden {
	_, sum, _ := procStat(strconv.Itoa(pid))
	sum.cpu += sum.ended
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		if parent, u, ok := procStat(filepath.Base(filepath.Dir(path))); ok && parent == strconv.Itoa(pid) {
			sum.cpu += u.cpu
		}
	}
	return sum
}

// sample is one look at a replica.
type sample struct {
	at         time.Duration
	rss        float64 // MiB
	heap       float64 // MiB, in use
	goroutines float64
}

// loadWatch looks at the replicas once in a while.
type loadWatch struct {
	w      *loadWorld
	began  time.Time
	before map[string]time.Duration

	mu      sync.Mutex
	samples [2][]sample
	backlog [][3]int // seconds, inbox, outbox
}

func (w *loadWorld) watch(ctx context.Context, every time.Duration) (*loadWatch, func()) {
	x := &loadWatch{w: w, began: time.Now(), before: w.cpu()}
	ctx, cancel := context.WithCancel(ctx)
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			x.look(ctx)
			if !pause(ctx, every) {
				return
			}
		}
	}()
	return x, func() { cancel(); <-over }
}

func (x *loadWatch) look(ctx context.Context) {
	at := time.Since(x.began)
	for i, r := range x.w.replicas {
		numbers := scraped(ctx, r.metrics)
		one := sample{at: at, rss: float64(usedBy(r.cmd.Process.Pid).rss) / (1 << 20), heap: numbers["go_memstats_heap_inuse_bytes"] / (1 << 20), goroutines: numbers["go_goroutines"]}
		x.mu.Lock()
		x.samples[i] = append(x.samples[i], one)
		x.mu.Unlock()
	}
	var in, out int
	if x.w.record.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM inbox WHERE handled = 0), (SELECT COUNT(*) FROM outbox WHERE state = 'waiting')`).Scan(&in, &out) == nil {
		x.mu.Lock()
		x.backlog = append(x.backlog, [3]int{int(at.Seconds()), in, out})
		x.mu.Unlock()
	}
}

// scraped reads the plain numbers of a replica's metrics.
func scraped(ctx context.Context, address string) map[string]float64 {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out := map[string]float64{}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return out
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return out
	}
	defer func() { _ = resp.Body.Close() }()
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if name, value, found := strings.Cut(lines.Text(), " "); found && !strings.HasPrefix(name, "#") {
			out[name], _ = strconv.ParseFloat(value, 64)
		}
	}
	return out
}

// cpu is what each part has used so far.
func (w *loadWorld) cpu() map[string]time.Duration {
	_, own, _ := procStat(strconv.Itoa(os.Getpid()))
	out := map[string]time.Duration{"simulators and load": own.cpu, "redis": usedBy(w.redis.PID()).cpu, "postgres": usedBy(w.pg.PID()).cpu}
	for i, r := range w.replicas {
		out[fmt.Sprint("replica ", i+1)] = usedBy(r.cmd.Process.Pid).cpu
	}
	return out
}

// spent tells how many processors each part used on average.
func (x *loadWatch) spent() string {
	took := time.Since(x.began)
	now := x.w.cpu()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		parts = append(parts, fmt.Sprintf("%s %.2f", name, (now[name]-x.before[name]).Seconds()/took.Seconds()))
	}
	return strings.Join(parts, " · ")
}

// cost tells how much of a processor each part needed for each of n commands.
func (x *loadWatch) cost(n int) string {
	now := x.w.cpu()
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		parts = append(parts, fmt.Sprintf("%s %.2f", name, (now[name]-x.before[name]).Seconds()*1000/float64(n)))
	}
	return strings.Join(parts, " · ") + " ms"
}

// statements lists what PostgreSQL spent its time on, where it counts that.
func (w *loadWorld) statements(t *testing.T) []string {
	t.Helper()
	if *loadProfile == "" {
		return nil
	}
	var database string
	if err := w.record.QueryRowContext(t.Context(), `SELECT current_database()`).Scan(&database); err != nil {
		t.Fatal(err)
	}
	if _, err := w.pg.Admin.ExecContext(t.Context(), `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`); err != nil {
		return []string{err.Error()}
	}
	rows, err := w.pg.Admin.QueryContext(t.Context(), `SELECT calls, total_exec_time, rows, regexp_replace(left(query, 150), '\s+', ' ', 'g') FROM pg_stat_statements
		JOIN pg_database d ON d.oid = dbid WHERE datname = $1 ORDER BY total_exec_time DESC LIMIT 25`, database)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	all := []string{"calls, ms in all, rows, statement:"}
	for rows.Next() {
		var calls, count int64
		var took float64
		var query string
		if err := rows.Scan(&calls, &took, &count, &query); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%7d %9.0f %8d %s", calls, took, count, query))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// memory tells what the memory of each replica did in a time: means of its eighths
// one after the other, and the slope of its second half, when what is remembered of
// the newest messages is full.
func (x *loadWatch) memory(from, to time.Duration) []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []string
	for i := range x.samples {
		var some []sample
		for _, s := range x.samples[i] {
			if s.at >= from && s.at <= to {
				some = append(some, s)
			}
		}
		const parts = 8
		if len(some) < 2*parts {
			out = append(out, fmt.Sprintf("replica %d: too short to tell", i+1))
			continue
		}
		for _, what := range []struct {
			name string
			of   func(sample) float64
		}{{"RSS MiB", func(s sample) float64 { return s.rss }}, {"heap MiB", func(s sample) float64 { return s.heap }}, {"goroutines", func(s sample) float64 { return s.goroutines }}} {
			top := 0.0
			for _, s := range some {
				top = max(top, what.of(s))
			}
			var means []string
			for part := range parts {
				means = append(means, fmt.Sprintf("%.1f", mean(some[part*len(some)/parts:(part+1)*len(some)/parts], what.of)))
			}
			out = append(out, fmt.Sprintf("replica %d %-10s %s; highest %.1f; the second half %+.2f a minute",
				i+1, what.name, strings.Join(means, " · "), top, slope(some[len(some)/2:], what.of)))
		}
	}
	return out
}

func mean(some []sample, of func(sample) float64) float64 {
	sum := 0.0
	for _, s := range some {
		sum += of(s)
	}
	return sum / float64(len(some))
}

// slope is the least-squares one, a minute.
func slope(some []sample, of func(sample) float64) float64 {
	var sx, sy, sxx, sxy float64
	for _, s := range some {
		x, y := s.at.Minutes(), of(s)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	n := float64(len(some))
	if under := n*sxx - sx*sx; under != 0 {
		return (n*sxy - sx*sy) / under
	}
	return 0
}

// quantiles gives the middle, the worst of a hundred and the worst.
func quantiles(took []time.Duration) string {
	if len(took) == 0 {
		return "none"
	}
	sorted := slices.Sorted(slices.Values(took))
	at := func(q float64) time.Duration { return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))] }
	r := func(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }
	return fmt.Sprintf("p50 %s · p99 %s · p99.9 %s · max %s ms (%d)", r(at(0.5)), r(at(0.99)), r(at(0.999)), r(sorted[len(sorted)-1]), len(sorted))
}

// machine tells what the figures were measured on.
func (w *loadWorld) machine(t *testing.T) []string {
	t.Helper()
	average, _ := os.ReadFile("/proc/loadavg")
	model, memory := "", ""
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(data)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
			}
		}
	}
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		memory, _, _ = strings.Cut(string(data), "\n")
	}
	var postgres string
	if err := w.record.QueryRowContext(t.Context(), `SELECT version()`).Scan(&postgres); err != nil {
		t.Fatal(err)
	}
	var synced string
	if err := w.pg.Admin.QueryRowContext(t.Context(), `SHOW fsync`).Scan(&synced); err != nil {
		t.Fatal(err)
	}
	postgres, _, _ = strings.Cut(postgres, " (")
	return []string{
		fmt.Sprintf("%d cores of %s, %s", runtime.NumCPU(), model, strings.Join(strings.Fields(memory), " ")),
		fmt.Sprintf("load average at start %s", strings.TrimSpace(string(average))),
		fmt.Sprintf("%s, %s (fsync=%s), %s", runtime.Version(), postgres, synced, redisVersion(t)),
	}
}
