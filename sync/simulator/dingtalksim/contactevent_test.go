package dingtalksim

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const failedPath = "/call_back/get_call_back_failed_result"

// dialEvents opens a connection for events that answers each with what status
// gives: SUCCESS, LATER, or something else as the whole data. "" answers
// nothing.
func (b bench) dialEvents(t *testing.T, status func(frame) string) {
	t.Helper()
	body := b.openBody()
	body["subscriptions"] = []map[string]string{{"type": "EVENT", "topic": "*"}}
	opened := b.post(t, "/v1.0/gateway/connections/open", body)
	conn, answer, err := websocket.DefaultDialer.DialContext(t.Context(), opened.text("endpoint")+"?ticket="+opened.text("ticket"), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		for {
			var f frame
			if conn.ReadJSON(&f) != nil {
				return
			}
			if said := status(f); said != "" {
				_ = conn.WriteMessage(websocket.TextMessage, []byte(ackOf(f, 200, said)))
			}
		}
	}()
	b.await(t, 1)
}

const (
	taken = `{"status":"SUCCESS","message":"ok"}`
	later = `{"status":"LATER","message":"busy"}`
)

func TestEventFrames(t *testing.T) {
	t.Parallel()
	b := corp(t)
	frames := make(chan frame, 16)
	b.dialEvents(t, func(f frame) string {
		frames <- f
		return taken
	})
	b.DeliverEvents(t.Context()) // that of the seed
	<-frames
	b.result(t, userCreatePath, person1(nil))
	b.result(t, userUpdatePath, fields{"userid": "li", "email": "li@example.com", "hired_date": 1700100000000, "title": "x", "force_update_fields": "manager_userid"})
	b.result(t, userDeletePath, fields{"userid": "li"})
	dept := b.result(t, deptCreatePath, fields{"name": "x", "parent_id": 1})["dept_id"]
	b.result(t, deptUpdatePath, fields{"dept_id": dept, "name": "y"})
	b.result(t, deptDeletePath, fields{"dept_id": dept})
	if n := b.DeliverEvents(t.Context()); n != 6 {
		t.Fatalf("%d events were taken", n)
	}
	now := millis(b.clock.Now())
	for _, want := range []string{
		eventUserAdd, eventUserModify, eventUserLeave, eventDeptCreate, eventDeptModify, eventDeptRemove,
	} {
		f := <-frames
		data := dataOf(t, f)
		h := f.Headers
		if f.Type != "EVENT" || h["topic"] != "*" || h["eventType"] != want || h["eventId"] == "" ||
			h["eventCorpId"] != "dingsimcorp" || h["eventBornTime"] != now || h["eventUnifiedAppId"] == "" {
			t.Errorf("frame: %+v", f)
		}
		users, _ := data.texts("userId")
		depts, _ := data["deptId"].([]any)
		switch want {
		case eventUserAdd:
			if !slices.Equal(users, []string{"han"}) || data.text("timeStamp") != now {
				t.Errorf("%s: %s", want, f.Data)
			}
		case eventUserModify:
			diff := data.child("diffInfo")
			prev, curr := diff.child("prev"), diff.child("curr")
			if diff.text("userid") != "li" || prev.text("hiredDate") != "2023-11-15" || curr.text("hiredDate") != "2023-11-16" ||
				prev.text("managerUserid") != "fang" || curr.text("email") != "li@example.com" || len(prev) != 3 || len(curr) != 3 {
				t.Errorf("%s: %s", want, f.Data)
			}
		case eventUserLeave:
			if !slices.Equal(users, []string{"li"}) {
				t.Errorf("%s: %s", want, f.Data)
			}
		default:
			if !slices.Equal(depts, []any{dept}) {
				t.Errorf("%s: %s", want, f.Data)
			}
		}
	}
	if n := b.DeliverEvents(t.Context()); n != 0 {
		t.Errorf("%d events came again", n)
	}
	noComplaints(t, b)
}

func TestEventRedelivery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		answers []string
		waits   []time.Duration // before each push but the first
		taken   bool
	}{
		{"later", []string{later, taken}, []time.Duration{10 * time.Second}, true},
		{"later twice", []string{later, later, taken}, []time.Duration{10 * time.Second, 30 * time.Second}, true},
		{"never", []string{later, later, later}, []time.Duration{10 * time.Second, 30 * time.Second}, false},
		{"nonsense", []string{"null", taken}, []time.Duration{10 * time.Second}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ids := make(chan string, 16)
			pushes := 0
			b.dialEvents(t, func(f frame) string {
				ids <- f.Headers["eventId"]
				pushes++
				return c.answers[pushes-1]
			})
			if _, err := b.Console().AddDepartment(Department{Name: "x"}); err != nil {
				t.Fatal(err)
			}
			n := b.DeliverEvents(t.Context())
			for _, wait := range c.waits {
				b.clock.Add(wait - time.Millisecond)
				if early := b.DeliverEvents(t.Context()); early != 0 || len(ids) == 0 {
					t.Errorf("early: %d", early)
				}
				b.clock.Add(time.Millisecond)
				n += b.DeliverEvents(t.Context())
			}
			b.clock.Add(time.Hour)
			b.DeliverEvents(t.Context())
			e := b.Events()[0]
			if len(ids) != len(c.answers) || e.Attempts != len(c.answers) || e.Taken != c.taken || (n == 1) != c.taken {
				t.Errorf("%d pushes, %d taken: %+v", len(ids), n, e)
			}
			for range len(ids) {
				if id := <-ids; id != e.ID {
					t.Errorf("another event id: %s", id)
				}
			}
			b.checkFailed(t, !c.taken)
		})
	}
}

func (b bench) checkFailed(t *testing.T, lost bool) {
	t.Helper()
	list := b.oldGet(t, failedPath).list("failed_list")
	if (len(list) == 1) != lost {
		t.Fatalf("failed: %v", list)
	}
	if lost && (list[0].text("call_back_tag") != eventDeptCreate || list[0].child(eventDeptCreate)["deptId"] == nil) {
		t.Errorf("failed: %v", list)
	}
	if again := b.oldGet(t, failedPath).list("failed_list"); len(again) != 0 {
		t.Errorf("failed again: %v", again)
	}
}

func TestEventsWithoutAClient(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.listen(t) // takes callbacks only
	if err := b.Console().ChangeDepartment(Root, func(d *Department) { d.Name = "x" }); err != nil {
		t.Fatal(err)
	}
	if n := b.DeliverEvents(t.Context()); n != 0 || b.Events()[0].Attempts != 1 {
		t.Errorf("taken %d: %+v", n, b.Events())
	}
	if _, err := b.RepeatEvent(t.Context(), b.Events()[0].ID); !errors.Is(err, ErrNotConnected) {
		t.Errorf("repeat: %v", err)
	}
	if _, err := b.RepeatEvent(t.Context(), "none"); !errors.Is(err, ErrUnknown) {
		t.Errorf("repeat nothing: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	b.clock.Add(time.Minute)
	if b.DeliverEvents(ended); b.Events()[0].Attempts != 1 {
		t.Error("pushed after the end")
	}
}

func TestEventChoice(t *testing.T) {
	t.Parallel()
	b := setup(t, func(o *Options) { o.Contacts.Events = []string{eventDeptRemove} })
	id := b.result(t, deptCreatePath, fields{"name": "x", "parent_id": 1})["dept_id"]
	b.result(t, deptDeletePath, fields{"dept_id": id})
	if got := eventTypes(b); !slices.Equal(got, []string{eventDeptRemove}) {
		t.Errorf("events: %v", got)
	}
	b.ChangeContacts(func(o *ContactsOptions) { o.Events, o.NoEcho = nil, true })
	b.result(t, deptCreatePath, fields{"name": "x", "parent_id": 1})
	if len(b.Events()) != 1 {
		t.Errorf("an echo came: %v", eventTypes(b))
	}
}

func TestServeEvents(t *testing.T) {
	t.Parallel()
	b := setup(t)
	frames := make(chan frame, 16)
	first := true
	b.dialEvents(t, func(f frame) string {
		frames <- f
		if first {
			first = false
			return later
		}
		return taken
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.ServeEvents(ctx) }()
	if _, err := b.Console().AddDepartment(Department{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	one := <-frames
	// The answer may be on its way still: the clock moves until it has come.
	for b.Events()[0].Attempts == 0 {
		runtime.Gosched()
	}
	b.clock.Add(10 * time.Second)
	if two := <-frames; two.Headers["eventId"] != one.Headers["eventId"] || two.id() == one.id() {
		t.Errorf("%+v, then %+v", one, two)
	}
	over := errors.New("over")
	cancel(over)
	if err := <-done; !errors.Is(err, over) {
		t.Errorf("served until %v", err)
	}
}

func TestRepeatEvent(t *testing.T) {
	t.Parallel()
	b := corp(t)
	b.dialEvents(t, func(frame) string { return taken })
	b.DeliverEvents(t.Context())
	ack, err := b.RepeatEvent(t.Context(), b.Events()[0].ID)
	if err != nil || ack.Code != http.StatusOK || b.Events()[0].Attempts != 1 {
		t.Errorf("%+v, %v", ack, err)
	}
}
