package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	onlyFaults = flag.String("points", "", "TestP01: only these failpoints, with commas between them")
	allFaults  = flag.Bool("faults", false, "TestP01: every failpoint, first, middle and last, in every world")
	kills      = flag.Int("kills", 12, "TestP02: how often the service is killed at least")
	seed       = flag.Uint64("seed", 0, "TestP02, TestP15: the seed of worlds and times; 0 = a new one")
	onlyWorld  = flag.String("world", "", "TestP01, TestP02, TestP15: only in this world: sqlite, replicas, departments, dingtalk, votes, schedule")
)

// points gives the failpoints to be tried: all of them, first, middle and last,
// or a dozen.
func points() []string {
	if *onlyFaults != "" {
		return strings.Split(*onlyFaults, ",")
	}
	if !*allFaults {
		return []string{
			"claim:after:1", "run:after:1", "plan:after:1", "card:before:1", "vote:after:1", "apply:before:1", "intent:after:2",
			"send:before:3", "send:after:1", "send:after:3", "outcome:before:2", "report:before:1", "letter:after:2",
		}
	}
	times := map[string][]int{
		"page": {1, 3}, "verify": {1, 3}, "letter": {1, 3}, "mark": {1, 3}, "intent": {1, 2, 3}, "send": {1, 2, 3}, "outcome": {1, 2, 3},
	}
	var all []string
	for _, name := range failNames() {
		for _, when := range []string{"before", "after"} {
			for _, n := range append(times[name], 1)[:max(1, len(times[name]))] {
				all = append(all, fmt.Sprintf("%s:%s:%d", name, when, n))
			}
		}
	}
	return all
}

// withoutRace says why kills are left out: what is killed shows no race.
const withoutRace = "NOT RUN with the race detector, which makes each start slow: make test tries this once more without it"

// roundsOfStage keeps a stage below the guards on deletions, and lets the slow
// rounds wait beside each other.
const roundsOfStage = 3

// worldsOf gives the worlds to be tried: all of them, or those that are quick.
func worldsOf(t *testing.T, all bool) []kind {
	t.Helper()
	if *onlyWorld != "" {
		return []kind{kindOf(t, *onlyWorld)}
	}
	return slices.DeleteFunc(kinds(), func(k kind) bool { return !all && slices.Contains(k.manners, scheduled) })
}

// TestP01_KilledAtEveryFailpoint kills the service at each failpoint of a run's
// life, once before and once after what it stands for, and starts it again. Of two
// replicas whoever comes there dies.
func TestP01_KilledAtEveryFailpoint(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	worlds := worldsOf(t, *allFaults)
	company := 0
	try := func(k kind, some []string) {
		company++
		first := company
		t.Run(fmt.Sprint("company", company, "_", k.name), func(t *testing.T) {
			t.Parallel()
			m := openMortal(t, k)
			for i, p := range some {
				if !t.Run(strings.ReplaceAll(p, ":", "_"), func(t *testing.T) {
					began := time.Now()
					if deaths := m.round(t.Context(), t, p, k.manners[(first+i)%len(k.manners)]); deaths < 1 || deaths > k.replicas {
						t.Errorf("it died %d times", deaths)
					}
					t.Logf("%s: %v", p, time.Since(began).Round(time.Millisecond))
				}) {
					return
				}
			}
		})
	}
	if !*allFaults { // one world after the other
		for i, some := range slices.Collect(slices.Chunk(points(), roundsOfStage)) {
			try(worlds[i%len(worlds)], some)
		}
		return
	}
	for _, k := range worlds {
		for some := range slices.Chunk(points(), roundsOfStage) {
			try(k, some)
		}
	}
}

// TestP02_KilledAtRandom kills the service again and again, 60 to 360 ms after it
// serves, one time in four after it was started, while runs are asked for, voted
// on, applied and reported. The seed chooses the worlds.
func TestP02_KilledAtRandom(t *testing.T) {
	t.Parallel()
	if raceEnabled {
		t.Skip(withoutRace)
	}
	from := *seed
	if from == 0 {
		from = uint64(time.Now().UnixNano())
	}
	t.Logf("to repeat: -run TestP02 -kills %d -seed %d", *kills, from)
	dice := rand.New(rand.NewPCG(from, 0))
	worlds := worldsOf(t, *kills > killsOfRound)
	total, rounds := 0, 0
	in := map[string]int{}
	for company := 1; total < *kills && !t.Failed(); company++ {
		k := worlds[dice.IntN(len(worlds))]
		first := dice.IntN(len(k.manners))
		t.Run(fmt.Sprint("company", company, "_", k.name), func(t *testing.T) {
			m := openMortal(t, k)
			for i := range roundsOfStage {
				if total >= *kills || t.Failed() {
					return
				}
				ctx, stop := context.WithCancel(t.Context())
				over := make(chan struct{})
				go func() { defer close(over); m.hunt(ctx, dice, min(killsOfRound, *kills-total)) }()
				deaths := m.round(t.Context(), t, failWatch, k.manners[(first+i)%len(k.manners)])
				stop()
				<-over
				total += deaths
				in[k.name] += deaths
				rounds++
			}
		})
	}
	t.Logf("%d kills in %d rounds of seed %d: %v", total, rounds, from, in)
}

// killsOfRound ends a hunt, so that a run comes to its end on a slow machine.
const killsOfRound = 25

// hunt kills a child of the moment at random times, most times.
func (m *mortal) hunt(ctx context.Context, dice *rand.Rand, most int) {
	last := map[*host]*exec.Cmd{}
	for _, h := range m.hosts {
		last[h], _ = h.present() // of the round before
	}
	for n := 0; n < most; {
		if !pause(ctx, 10*time.Millisecond) {
			return
		}
		h := m.hosts[dice.IntN(len(m.hosts))]
		child, serves := h.present()
		if child == last[h] {
			continue
		}
		wait := time.Duration(60+dice.IntN(300)) * time.Millisecond
		if dice.IntN(4) > 0 {
			select {
			case <-ctx.Done():
				return
			case <-serves:
			}
		}
		if !pause(ctx, wait) {
			return
		}
		m.mu.Lock()
		if h.child == child && !m.spared && child.Process.Kill() == nil {
			n++
		}
		m.mu.Unlock()
		last[h] = child
	}
}

// pause waits, and tells whether the time has passed.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
