package feishubot

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

func approval(chat string) bot.Outgoing {
	return bot.Outgoing{
		Chat: chat, Lang: bot.ZH,
		Card: bot.Card{
			Title: "待批准 7K3MQ2 · 删除 3", Tone: bot.Waits,
			Sections: []bot.Section{{Lines: []bot.Line{{{Text: "人事库 → 飞书"}}}}},
			Buttons: []bot.Button{
				{
					Label: "批准", Command: "批准 7K3MQ2", Digest: "a1b2", Style: bot.Dangerous, Confirm: "删除 3 人？",
					Inputs: []bot.Input{{Name: "删除", Label: "要删除的人数", Required: true}},
				},
				{Label: "驳回", Command: "驳回 7K3MQ2", Digest: "a1b2", Inputs: []bot.Input{{Name: "原因", Label: "原因"}}},
				{Label: "详情", Command: "详情 7K3MQ2"},
			},
		},
	}
}

// fields gives the names of a card's inputs, in order.
func fields(t *testing.T, content string) []string {
	t.Helper()
	var out []string
	var v any
	if err := json.Unmarshal([]byte(content), &v); err != nil {
		t.Fatal(err)
	}
	walk(v, func(m map[string]any) {
		if m["tag"] == "input" {
			out = append(out, m["name"].(string))
		}
	})
	return out
}

// walk visits every object of a card in reading order.
func walk(v any, see func(map[string]any)) {
	switch t := v.(type) {
	case []any:
		for _, child := range t {
			walk(child, see)
		}
	case map[string]any:
		see(t)
		for _, key := range []string{"config", "summary", "header", "title", "body", "elements", "columns", "text", "label", "placeholder", "confirm"} {
			walk(t[key], see)
		}
	}
}

func TestPressesArriveByCallback(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	place, err := w.Send(t.Context(), approval(w.chat), "k1", "")
	if err != nil {
		t.Fatal(err)
	}
	m, _ := w.sim.Message(place)
	names := fields(t, m.Content)
	if len(names) != 2 {
		t.Fatalf("inputs: %v", names)
	}
	e, err := w.sim.PressEvent(feishusim.Click{
		Message: place, By: w.zhou, Button: "批准", Form: map[string]string{names[0]: " 3 ", "n9_zz": "x", "reason": "y"},
	})
	if err != nil {
		t.Fatal(err)
	}
	a := w.post(t, e, feishusim.Forgery{})
	if a.Status != http.StatusOK || a.ClientCode != 0 || !strings.Contains(string(a.Body), `"type":"info"`) {
		t.Fatalf("%d %s, client shows %d", a.Status, a.Body, a.ClientCode)
	}
	got := w.inbox.all()
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	want := &bot.Press{Command: "批准 7K3MQ2", Digest: "a1b2", Card: place, Form: map[string]string{"删除": " 3 "}}
	if p := got[0]; p.ID != e.ID || p.Chat != w.chat || !p.Addressed || p.Foreign || p.Sender[0] != w.zhou ||
		!p.At.Equal(w.clock.now()) || !reflect.DeepEqual(p.Press, want) {
		t.Errorf("%+v %+v", p, p.Press)
	}
	if m, _ := w.sim.Message(place); m.Edits != 0 {
		t.Errorf("the card changed before anything was decided")
	}
}

func TestAPressThatIsNotClaimedIsToldSo(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	place, err := w.Send(t.Context(), approval(w.chat), "k1", "")
	if err != nil {
		t.Fatal(err)
	}
	w.inbox.setFail(errStore)
	e, err := w.sim.PressEvent(feishusim.Click{Message: place, By: w.zhou, Button: "详情"})
	if err != nil {
		t.Fatal(err)
	}
	a := w.post(t, e, feishusim.Forgery{})
	if a.Status != http.StatusOK || a.ClientCode != 0 || !strings.Contains(string(a.Body), `"type":"error"`) || len(w.inbox.all()) != 0 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a = w.post(t, e, feishusim.Forgery{BadSignature: true}); a.Status != http.StatusUnauthorized || w.Refused()[badSignature] != 1 {
		t.Errorf("forged: %d", a.Status)
	}
}

func TestPressValues(t *testing.T) {
	t.Parallel()
	b := newUnit(t)
	for _, tt := range []struct{ value, command, digest string }{
		{`{"cmd":"批准 7K3MQ2","digest":"d"}`, "批准 7K3MQ2", "d"},
		{`"{\"cmd\":\"批准 7K3MQ2\",\"digest\":\"d\"}"`, "批准 7K3MQ2", "d"},
		{`"words"`, "", ""},
		{`null`, "", ""},
		{`[1]`, "", ""},
		{`{"cmd":5}`, "", ""},
		{`{"op":"x"}`, "", ""},
	} {
		e := &envelope{Event: json.RawMessage(`{"operator":{"open_id":"ou_a","tenant_key":"t"},"action":{"tag":"button","value":` + tt.value +
			`,"form_value":{"n0_e588a0e999a4":"3","n1_e58e9fe59ba0":["a"],"other":"x"}},"context":{"open_message_id":"om_1","open_chat_id":"oc_1"}}`)}
		raw := `{"schema":"2.0","header":{"event_id":"e","tenant_key":"t","create_time":"1603977298000000"}}`
		if err := json.Unmarshal([]byte(raw), e); err != nil {
			t.Fatal(err)
		}
		m, err := b.pressed(e)
		if err != nil {
			t.Fatal(err)
		}
		want := &bot.Press{Command: tt.command, Digest: tt.digest, Card: "om_1", Form: map[string]string{"删除": "3"}}
		if !reflect.DeepEqual(m.Press, want) || m.Foreign || m.At.Unix() != 1603977298 {
			t.Errorf("%s: %+v %+v", tt.value, m, m.Press)
		}
		e.Header.TenantKey = "another"
		if m, err := b.pressed(e); err != nil || !m.Foreign {
			t.Errorf("%s: a foreigner passes: %v", tt.value, err)
		}
	}
}

func TestAPrivateChatIsPrivateForItsButtons(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	e, err := w.sim.MessageEvent(feishusim.Words{From: w.zhou, Text: "待办"})
	if err != nil {
		t.Fatal(err)
	}
	w.post(t, e, feishusim.Forgery{})
	asked := w.inbox.all()[0]
	o := approval(asked.Chat)
	o.ReplyTo = asked.ID
	private := w.send(t, o, "k1", "")
	public := w.send(t, approval(w.chat), "k2", "")
	w.dms.forget() // as after a restart
	for place, want := range map[string]bool{private: true, public: false} {
		press, err := w.sim.PressEvent(feishusim.Click{Message: place, By: w.zhou, Button: "详情"})
		if err != nil {
			t.Fatal(err)
		}
		w.post(t, press, feishusim.Forgery{})
		all := w.inbox.all()
		if got := all[len(all)-1]; got.Press == nil || got.Direct != want {
			t.Errorf("%+v", got)
		}
	}
	// The mark of one chat says nothing about another.
	press, err := w.sim.PressEvent(feishusim.Click{Message: public, By: w.zhou, Value: map[string]any{"cmd": "x", "p2p": asked.Chat}})
	if err != nil {
		t.Fatal(err)
	}
	before := len(w.inbox.all())
	w.post(t, press, feishusim.Forgery{})
	if all := w.inbox.all(); len(all) != before {
		t.Errorf("%+v", all[before:])
	}
}

func TestToastsAreJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{pressTaken, pressLost} {
		var in struct {
			Toast struct {
				Type, Content string
				I18n          map[string]string
			}
		}
		if err := json.Unmarshal([]byte(text), &in); err != nil || in.Toast.I18n["zh_cn"] == "" || in.Toast.I18n["en_us"] == "" {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func (p *private) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chats = nil
}
