package run_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
	"github.com/rollcallhq/rollcall/sync/run"
)

func full() run.Run {
	return run.Run{
		Code: "7K3MQ2", Flow: "hr-to-wecom", State: run.Awaiting, Version: 4, Trigger: run.ByCommand, Apply: true,
		By:     run.Actor{Person: "李敏", Platform: run.Feishu, Account: "ou_1", Channel: run.ByText},
		Thread: run.Thread{Platform: run.Feishu, Chat: "oc_1", Message: "om_1"}, RequestID: "feishu:om_1", Weak: true,
		Plan: directory.Digest{1, 2, 3}, Counts: plan.Counts{Create: 1, Update: 2, Disable: 3, Delete: 4, Adopt: 5}, Tier: 2, Votes: 2,
		Expires: start.Add(8 * time.Hour), Config: "c", Notes: 6, Outcome: run.Outcome{Done: 1, Already: 2, Skipped: 3, Failed: 4, InDoubt: 5},
		Reason: "r", Fault: fault.Unavailable, Stop: true, Created: start, Updated: start.Add(time.Minute), Ended: start.Add(time.Hour),
		Wake: start.Add(time.Hour), StepUp: run.Actor{Person: "周凯"}, NotBefore: start.Add(time.Minute), Glass: run.Actor{Person: "陈悦"}, Behind: "王芳",
		Undoes: "7K3MQ3", UndoItem: 7, Dept: "/A", Objects: directory.KeysOf(directory.Key{Kind: directory.User, ID: "0001"}), Kind: directory.User, HeldBack: 8,
		Read: run.Counted{SourceUsers: 1, SourceDepartments: 2, TargetUsers: 3, TargetDepartments: 4},
	}
}

// TestStoredForms pins how records are stored: an older process and a newer one
// read the same rows. Of a run nobody has looked at yet, only what is always
// there is stored.
func TestStoredForms(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		value any
		want  string
	}{
		{"an empty run", run.Run{}, `{"code":"","flow":"","state":"","version":0,"trigger":"","apply":false,"by":{},"thread":{},"request_id":"",` +
			`"counts":{"create":0,"update":0,"disable":0,"delete":0,"adopt":0},"tier":0,"votes":0,"notes":0,` +
			`"outcome":{"done":0,"already":0,"skipped":0,"failed":0,"in_doubt":0},"created":"0001-01-01T00:00:00Z","updated":"0001-01-01T00:00:00Z"}`},
		{"a vote", run.Vote{Run: "7K3MQ2", Decision: run.Approve, By: run.Actor{Person: "周凯", Channel: run.FromCLI}, Typed: run.NotRestated(), At: start}, `{"run":"7K3MQ2","decision":"approve",` +
			`"by":{"person":"周凯","channel":"cli"},"thread":{},"typed":{"delete":-1,"disable":-1,"total":-1},"at":"2026-03-01T09:00:00Z"}`},
		{"a journal entry", run.Entry{Run: "7K3MQ2", Seq: 3, Step: run.StepSending, Key: directory.Key{Kind: directory.User, ID: "1"}, Sends: 1, Sent: start, At: start}, `{"run":"7K3MQ2","seq":3,` +
			`"step":"sending","key":{"kind":"user","id":"1"},"sent":"2026-03-01T09:00:00Z","sends":1,"at":"2026-03-01T09:00:00Z","source":{"kind":"","id":""}}`},
		{"an event", run.Event{Seq: 9, Run: "7K3MQ2", Kind: run.EventMoved, At: start}, `{"seq":9,"run":"7K3MQ2","kind":"moved","at":"2026-03-01T09:00:00Z"}`},
		{"an audit line", run.Audit{At: start, Action: "run.moved"}, `{"at":"2026-03-01T09:00:00Z","who":{},"action":"run.moved"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got, err := json.Marshal(tt.value); err != nil || string(got) != tt.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

// TestStoredAndReadBack stores records in which every field is set, so that a
// field that is lost on the way shows.
func TestStoredAndReadBack(t *testing.T) {
	t.Parallel()
	actor, thread := full().By, full().Thread
	for _, v := range []any{
		full(),
		run.Vote{
			Run: "7K3MQ2", Decision: run.Reject, By: actor, Thread: thread, Digest: directory.Digest{9}, Typed: run.Restated{Delete: 1, Disable: 2, Total: 3}, Reason: "r", Weak: true, At: start,
			For: "陈悦", Only: []string{"/A"}, Hold: []string{"#3"}, Part: []int{1, 2},
		},
		run.Entry{Run: "7K3MQ2", Seq: 1, Step: run.StepFailed, Key: directory.Key{Kind: directory.User, ID: "1"}, Say: "s", Sent: start, Sends: 2, At: start, Source: directory.Key{Kind: directory.User, ID: "2"}},
		run.Event{Seq: 1, Run: "7K3MQ2", Kind: run.EventAlarm, Say: "s", At: start},
		run.Audit{At: start, Who: actor, Action: "a", Run: "7K3MQ2", Detail: "d"},
	} {
		t.Run(fmt.Sprintf("%T", v), func(t *testing.T) {
			t.Parallel()
			in := reflect.ValueOf(v)
			for i := range in.NumField() {
				if in.Field(i).IsZero() {
					t.Errorf("%s is not set: this test would not see it lost", in.Type().Field(i).Name)
				}
			}
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out := reflect.New(in.Type())
			if err := json.Unmarshal(b, out.Interface()); err != nil || !reflect.DeepEqual(out.Elem().Interface(), v) {
				t.Errorf("%v\ngot  %+v\nwant %+v", err, out.Elem().Interface(), v)
			}
		})
	}
}
