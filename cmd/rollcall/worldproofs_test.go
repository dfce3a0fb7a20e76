package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

// call is a call that a worker noted before it made it.
type call struct {
	at    time.Time
	run   run.Code
	seq   int
	flow  string
	fence int64
}

// callsIn reads the calls out of logs; of processes on one machine the times
// compare, whatever clock they work by.
func callsIn(log string) []call {
	all := []call{}
	for line := range strings.Lines(log) {
		if !strings.Contains(line, msgNoted) {
			continue
		}
		var in struct {
			Time  time.Time `json:"time"`
			Msg   string    `json:"msg"`
			Run   run.Code  `json:"run"`
			Seq   int       `json:"seq"`
			Flow  string    `json:"flow"`
			Fence int64     `json:"fence"`
		}
		if json.Unmarshal([]byte(line), &in) == nil && in.Msg == msgNoted {
			all = append(all, call{in.Time, in.Run, in.Seq, in.Flow, in.Fence})
		}
	}
	slices.SortStableFunc(all, func(a, b call) int { return a.at.Compare(b.at) })
	return all
}

// withLog gives a world the log of processes that told of every call.
func (w *world) withLog(log string) {
	w.log, w.calls = log, callsIn(log)
}

// proven is I7: what is missing in an incomplete listing was not taken away, and
// what an incomplete target does not show was not created on that ground alone.
func (l *life) proven(fail complain) {
	if l.plan == nil {
		return
	}
	for _, c := range l.plan.Changes {
		destructive := c.Op == plan.Delete || c.Op == plan.Disable
		if why := l.plan.Source.Health.PartialFor; why != "" && destructive && c.Cause.Kind != plan.CauseUndo {
			fail("I7 %s: %s of %s, and the source was incomplete: %s", l.run.Code, c.Op, c.Key, why)
		}
		if destructive && c.Cause.Kind == "" {
			fail("I7 %s: %s of %s rests on nothing", l.run.Code, c.Op, c.Key)
		}
		if why := l.plan.Target.Health.PartialFor; why != "" && c.Op == plan.Create {
			fail("I7 %s: %s of %s, and the target was incomplete: %s", l.run.Code, c.Op, c.Source, why)
		}
	}
}

// alone is I8: in the order in which the target saw them, no write was made under an
// older fence than one before it.
func (w *world) alone(promised map[string][]deed, seen map[string][]wecomsim.Effect, fail complain) {
	if w.calls == nil {
		return
	}
	type writ struct {
		what  string
		at    time.Time
		flow  string
		fence int64
	}
	var all []writ
	for what, deeds := range promised {
		for i, e := range seen[what][:min(len(seen[what]), len(deeds))] {
			one := writ{what: what, at: e.At}
			for _, c := range w.calls {
				if c.run == deeds[i].life.run.Code && c.seq == deeds[i].change.Seq && !c.at.After(e.At) {
					one.flow, one.fence = c.flow, c.fence // the last one before it
				}
			}
			if one.fence == 0 && !deeds[i].unsure {
				fail("I8 %s: nobody noted that it would make %s", deeds[i].life.run.Code, what)
			}
			all = append(all, one)
		}
	}
	slices.SortStableFunc(all, func(a, b writ) int { return a.at.Compare(b.at) })
	highest := map[string]writ{}
	for _, one := range all {
		if top := highest[one.flow]; one.fence < top.fence && one.fence > 0 {
			fail("I8 %s was made under fence %d, after %s under fence %d", one.what, one.fence, top.what, top.fence)
		} else {
			highest[one.flow] = one
		}
	}
}

// untouched is I11.
func (w *world) untouched(fail complain) {
	for _, e := range w.effects {
		if slices.Contains(w.protected, e.ID) && (strings.HasSuffix(e.Op, "/delete") || strings.Contains(e.Detail, `"enable":0`)) {
			fail("I11 %s %s, which is protected", e.Op, e.ID)
		}
	}
}

// vitals are what a process needs.
type vitals struct{ goroutines, files, rss int64 }

// slim is I10: a process that has nothing to do needs what it needed before, within
// a tenth; of few goroutines and files a handful is more than that.
func (w *world) slim(fail complain) {
	const few = 4
	for name, was := range w.before {
		now, there := w.after[name]
		if !there {
			fail("I10 nobody knows what %s needs now", name)
			continue
		}
		for _, one := range []struct {
			what           string
			was, now, free int64
		}{
			{"goroutines", was.goroutines, now.goroutines, few}, {"files", was.files, now.files, few}, {"bytes", was.rss, now.rss, 0},
		} {
			if one.now > one.was+max(one.was/10, one.free) {
				fail("I10 %s has %d %s, had %d", name, one.now, one.what, one.was)
			}
		}
	}
}

// readVitals asks a process by its numbers for Prometheus.
func readVitals(t *testing.T, address string) (vitals, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", http.NoBody)
	if err != nil {
		return vitals{}, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return vitals{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return vitals{}, err
	}
	var v vitals
	for name, to := range map[string]*int64{"go_goroutines": &v.goroutines, "process_open_fds": &v.files, "process_resident_memory_bytes": &v.rss} {
		m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
		if m == nil {
			return v, fmt.Errorf("%s is not among the numbers", name)
		}
		f, err := strconv.ParseFloat(string(m[1]), 64)
		if err != nil {
			return v, err
		}
		*to = int64(f)
	}
	return v, nil
}

// endWords are the words with which a run's end is told in the Feishu room.
func endWords() map[run.State]string {
	return map[run.State]string{run.Succeeded: "完成", run.Partial: "部分完成", run.Failed: "失败"}
}

// reply is what a message says of a run that has ended.
type reply struct {
	code    run.Code
	state   run.State
	outcome run.Outcome
}

var replyHead = regexp.MustCompile(`(?m)^(?:[│ ]*(?:┌─|#+) )?(?:@\S+ )*(完成|部分完成|失败|Done|Partly done|Failed) ([0-9A-HJKMNP-TV-Z]{6})(?: · (?:撤销|undo) \S{6})?((?: · \D+? \d+)*)`)

// replies reads the ends that a post tells, in either language.
func replies(text string) []reply {
	states := map[string]run.State{
		"完成": run.Succeeded, "Done": run.Succeeded, "部分完成": run.Partial, "Partly done": run.Partial, "失败": run.Failed, "Failed": run.Failed,
	}
	var all []reply
	for _, m := range replyHead.FindAllStringSubmatch(text, -1) {
		r := reply{code: run.Code(m[2]), state: states[m[1]]}
		counts := map[string]*int{
			"成功": &r.outcome.Done, "done": &r.outcome.Done, "原本如此": &r.outcome.Already, "already so": &r.outcome.Already,
			"跳过": &r.outcome.Skipped, "skipped": &r.outcome.Skipped, "失败": &r.outcome.Failed, "failed": &r.outcome.Failed,
			"结果不明": &r.outcome.InDoubt, "in doubt": &r.outcome.InDoubt,
		}
		for part := range strings.SplitSeq(strings.TrimPrefix(m[3], " · "), " · ") {
			word, number, _ := strings.Cut(part, " ")
			if cut := strings.LastIndex(part, " "); cut > 0 {
				word, number = part[:cut], part[cut+1:]
			}
			if n, err := strconv.Atoi(number); err == nil && counts[word] != nil {
				*counts[word] = n
			}
		}
		all = append(all, r)
	}
	return all
}

// counted is the rest of I12: what the rooms were told of the end, in both languages,
// is what the record says.
func (w *world) counted(l *life, fail complain) {
	if endWords()[l.run.State] == "" || l.run.Outcome.Total() == 0 {
		return
	}
	heard := map[stage.Room]bool{}
	for _, p := range w.posts {
		if p.Who != "点名" || !strings.Contains(p.Text, string(l.run.Code)) {
			continue
		}
		for _, r := range replies(p.Text) {
			if r.code != l.run.Code {
				continue
			}
			heard[p.Room] = true
			if r.state != l.run.State || r.outcome != l.run.Outcome {
				fail("I12 %s: %s is told %s %+v, the record has %s %+v", l.run.Code, p.Room, r.state, r.outcome, l.run.State, l.run.Outcome)
			}
		}
	}
	for _, room := range []stage.Room{stage.FeishuRoom, stage.DingRoom} {
		if w.told && !heard[room] && l.run.Outcome.Done > 0 {
			fail("I12 %s: %s was not told what came of it", l.run.Code, room)
		}
	}
}
