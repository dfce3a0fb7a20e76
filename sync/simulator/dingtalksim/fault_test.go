package dingtalksim

import (
	"net/http"
	"testing"

	"github.com/gorilla/websocket"
)

func TestInject(t *testing.T) {
	t.Parallel()
	send := func(b bench) reply {
		return b.call(t, http.MethodPost, groupPath, sendBody("sampleText", map[string]string{"content": "好"}))
	}
	for _, c := range []struct {
		name    string
		fault   Fault
		status  int
		code    string
		errcode int
		raw     string
		said    int
	}{
		{"default", Fault{Path: groupPath}, 503, "ServiceUnavailable", 0, "", 0},
		{"code", Fault{Path: groupPath, Status: 400, Code: "bot.stopped"}, 400, "bot.stopped", 0, "", 0},
		{"errcode", Fault{Path: groupPath, Errcode: 90018}, 200, "", 90018, "", 0},
		{"prefix", Fault{Path: "/v1.0/robot/*", Status: 500}, 500, "ServiceUnavailable", 0, "", 0},
		{"body", Fault{Path: groupPath, Body: `{"status":1111,"wait":5,"punish":"deny"}`}, 200, "", 0, `{"status":1111,"wait":5,"punish":"deny"}`, 0},
		{"late", Fault{Path: groupPath, Status: 504, Late: true}, 504, "ServiceUnavailable", 0, "", 1},
		{"elsewhere", Fault{Path: singlePath}, 200, "", 0, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Inject(c.fault)
			got := send(b)
			if got.status != c.status || got.text("code") != c.code || got.errcode() != c.errcode || c.raw != "" && got.raw != c.raw {
				t.Errorf("got %d %s", got.status, got.raw)
			}
			if n := len(b.Messages(group)); n != c.said {
				t.Errorf("said %d messages", n)
			}
			if c.name == "elsewhere" {
				return
			}
			if again := send(b); again.status != 200 || again.text("processQueryKey") == "" {
				t.Errorf("a fault met twice: %d %s", again.status, again.raw)
			}
		})
	}
}

func TestInjectTimes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.AddRobot("tok", RobotOptions{})
	code := func() int { return b.post(t, robotPath, textBody("x")).errcode() }
	b.Inject(Fault{Path: "/robot/send", Times: 2, Errcode: -1})
	if first, second, third := code(), code(), code(); first != -1 || second != -1 || third != 0 {
		t.Error("two times means two calls")
	}
	b.Inject(Fault{Times: -1, Status: 500})
	if got := b.post(t, robotPath, textBody("x")); got.status != 500 || got.errcode() != -1 {
		t.Errorf("every path: %d %s", got.status, got.raw)
	}
	if code() != -1 {
		t.Error("a lasting fault ended")
	}
	b.ClearFaults()
	if code() != 0 {
		t.Error("a cleared fault stayed")
	}
}

func TestInjectDrop(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		b := setup(t)
		b.AddRobot("tok", RobotOptions{})
		b.Inject(Fault{Path: "/robot/send", Drop: true, Late: late})
		answer, err := http.DefaultClient.Do(b.request(t, http.MethodPost, robotPath, textBody("x")))
		if err == nil {
			_ = answer.Body.Close()
			t.Error("a dropped call was answered")
		}
		if said := len(b.Messages("tok")) == 1; said != late {
			t.Errorf("late=%v: said=%v", late, said)
		}
	}
}

func TestInjectConnect(t *testing.T) {
	t.Parallel()
	b := setup(t)
	endpoint, ticket := b.open(t)
	b.Inject(Fault{Path: "/connect", Status: 502})
	_, answer, err := websocket.DefaultDialer.Dial(endpoint+"?ticket="+ticket, nil)
	if err == nil || answer.StatusCode != http.StatusBadGateway {
		t.Fatalf("dial: %v", err)
	}
	_ = answer.Body.Close()
	conn, answer, err := websocket.DefaultDialer.Dial(endpoint+"?ticket="+ticket, nil)
	if err != nil {
		t.Fatalf("the fault spent the ticket: %v", err)
	}
	_ = answer.Body.Close()
	_ = conn.Close()
}

func TestCalls(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.AddRobot("tok", RobotOptions{})
	b.post(t, robotPath, textBody("x"))
	b.post(t, "/v1.0/none", "{}")
	calls := b.Calls()
	if len(calls) != 2 || calls[0].Path != "/robot/send" || calls[0].Query.Get("access_token") != "tok" ||
		calls[0].Status != 200 || string(calls[0].Body) != `{"msgtype":"text","text":{"content":"x"}}` ||
		calls[1].Status != 404 || !calls[1].At.Equal(b.clock.Now()) {
		t.Errorf("calls: %+v", calls)
	}
}
