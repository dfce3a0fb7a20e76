package run_test

import (
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/sync/run"
)

// TestTheAlarmSaysWhatWasLetGo: who reads it decides whether to stop the run.
func TestTheAlarmSaysWhatWasLetGo(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("急", 80)
	for _, tt := range []struct {
		name   string
		vote   run.Vote
		en, zh string
	}{
		{"both counts", run.Vote{Typed: run.Restated{Delete: 3, Disable: 2, Total: -1}}, "(delete 3, disable 2)", "（删除 3、停用 2）"},
		{"one count", run.Vote{Typed: run.Restated{Delete: -1, Disable: 2, Total: -1}}, "(delete 0, disable 2)", "（删除 0、停用 2）"},
		{"the other", run.Vote{Typed: run.Restated{Delete: 1, Disable: -1, Total: -1}}, "(delete 1, disable 0)", "（删除 1、停用 0）"},
		{"as many of each", run.Vote{Typed: run.Restated{Delete: 2, Disable: 2, Total: -1}}, "(delete 2, disable 2)", "（删除 2、停用 2）"},
		{"a total", run.Vote{Typed: run.Restated{Delete: -1, Disable: -1, Total: 7}}, "(7 changes)", "（7 项变更）"},
		{"nothing typed", run.Vote{Typed: run.NotRestated()}, "(0 changes)", "（0 项变更）"},
		{"a reason that fits", run.Vote{Reason: long}, "“" + long + "” / ", "“" + long + "”"},
		{"a reason that does not", run.Vote{Reason: long + "急"}, "“" + long[:79*3] + "…” / ", "“" + long[:79*3] + "…”"},
		{"a reason like two languages", run.Vote{Reason: "a / \n b"}, "“a/b” / ", "“a/b”"},
	} {
		tt.vote.Run, tt.vote.By.Person = "7K3MQ2", "周凯"
		alarm := tt.vote.Alarm()
		en, zh, _ := strings.Cut(alarm, " / ")
		if !strings.HasPrefix(alarm, "周凯: broke the glass for 7K3MQ2") || !strings.Contains(en+" / ", tt.en) || !strings.Contains(zh, tt.zh) {
			t.Errorf("%s: %q", tt.name, alarm)
		}
	}
}

func TestWhoAskedNobody(t *testing.T) {
	t.Parallel()
	for trigger, want := range map[run.Trigger]bool{run.ByCommand: false, run.ByCLI: false, run.BySchedule: true, run.ByEvent: true} {
		if got := trigger.Unasked(); got != want {
			t.Errorf("%s: %t", trigger, got)
		}
	}
}

func TestWhatAPauseIsOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pause, flow string
		want        bool
	}{{"*", "hr", true}, {"hr", "hr", true}, {"hr", "hr2", false}, {"", "hr", false}} {
		if got := (run.Pause{Flow: tt.pause}).Covers(tt.flow); got != tt.want {
			t.Errorf("a pause of %q is one of %q: %t", tt.pause, tt.flow, got)
		}
	}
}

// TestADelegationIsNamedByAllOfIt: two that differ are two settings.
func TestADelegationIsNamedByAllOfIt(t *testing.T) {
	t.Parallel()
	if got := (run.Delegation{From: "a", To: "b", Flow: "hr"}).Name(); got != "a → b @ hr" {
		t.Errorf("%q", got)
	}
}

// TestAPartThatIsNotKnownCoversNothing: as many names to hold back as to do are
// still a part.
func TestAPartThatIsNotKnownCoversNothing(t *testing.T) {
	t.Parallel()
	for _, v := range []run.Vote{{Only: []string{"a"}}, {Hold: []string{"a"}}, {Only: []string{"a"}, Hold: []string{"b"}}} {
		if v.Covers(1) {
			t.Errorf("%+v covers a change", v)
		}
	}
	if whole := (run.Vote{}); !whole.Covers(1) {
		t.Error("a vote for the whole plan does not cover a change")
	}
}
