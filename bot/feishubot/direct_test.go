package feishubot

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// alone is a private answer. The group that the question came from is in it too,
// and must not be written to.
func (w *world) alone(to string) bot.Outgoing {
	o := approval(w.chat)
	o.To, o.ReplyTo = to, "om_in_the_group"
	return o
}

func TestToOnePersonAlone(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]func(feishusim.User) string{
		"open_id":  func(u feishusim.User) string { return u.OpenID },
		"union_id": func(u feishusim.User) string { return u.UnionID },
		"user_id":  func(feishusim.User) string { return "user_id:zhou" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, nil)
			u, _ := w.sim.User("zhou")
			place := w.send(t, w.alone(id(u)), "k1", "")
			if all := w.sim.Private(w.zhou); len(all) != 1 || all[0].ID != place || all[0].Type != "interactive" {
				t.Fatalf("%s: %+v", place, all)
			}
			if n := len(w.sim.Messages(w.chat)); n != 0 {
				t.Errorf("%d messages in the group", n)
			}
			if again := w.send(t, w.alone(id(u)), "k1", ""); again != place || len(w.sim.Private(w.zhou)) != 1 {
				t.Errorf("said twice: %s", again)
			}
		})
	}
}

func TestPersonsWhoCannotBeWrittenTo(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.sim.SetAvailability(w.limin)
	if _, err := w.Send(t.Context(), w.alone(w.zhou), "k", ""); fault.KindOf(err) != fault.Denied || !strings.Contains(fault.Say(err), "可用范围") {
		t.Errorf("out of range: %v", err)
	}
	for code, kind := range map[int]fault.Kind{99992351: fault.NotFound, 230034: fault.NotFound, 230053: fault.Denied, 230013: fault.Denied} {
		w.sim.Inject(feishusim.Fault{Path: imPath, Code: code})
		if _, err := w.Send(t.Context(), w.alone(w.limin), "k", ""); fault.KindOf(err) != kind {
			t.Errorf("%d: %v", code, err)
		}
	}
	for _, to := range []string{"all", "oc_group", "zhou@example.com", "ou_x></at>"} {
		if _, err := w.Send(t.Context(), w.alone(to), "k", ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", to, err)
		}
	}
	if len(w.sim.Messages(w.chat))+len(w.sim.Private(w.limin)) != 0 {
		t.Error("something was said")
	}
}

// A press on a card that was sent to a person alone is a private one, also after
// a restart, when nobody remembers the chat.
func TestPressOnAPrivateCard(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	place := w.send(t, w.alone(w.zhou), "k1", "")
	w.dms.mu.Lock()
	w.dms.chats = nil
	w.dms.mu.Unlock()
	e, err := w.sim.PressEvent(feishusim.Click{Message: place, By: w.zhou, Button: "详情"})
	if err != nil {
		t.Fatal(err)
	}
	a := w.post(t, e, feishusim.Forgery{})
	if got := w.inbox.all(); a.Status != http.StatusOK || len(got) != 1 || !got[0].Direct || got[0].Press.Command != "详情 7K3MQ2" {
		t.Errorf("%s %+v", a.Body, got)
	}
}

// TestA15_ForwardedCard: buttons are dead wherever the card was not sent to.
func TestA15_ForwardedCard(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.sim.AddChat("oc_other", "别的群", w.limin, w.zhou)
	group := w.send(t, approval(w.chat), "k1", "")
	private := w.send(t, w.alone(w.zhou), "k2", "")
	for name, tt := range map[string]struct {
		card, by string
	}{"of a group": {group, w.zhou}, "of a person": {private, w.limin}} {
		m, _ := w.sim.Message(tt.card)
		if strings.Contains(m.Content, `"enable_forward":true`) || !strings.Contains(m.Content, `"enable_forward":false`) {
			t.Errorf("%s may be forwarded: %s", name, m.Content)
		}
		e, err := w.sim.PressEvent(feishusim.Click{Message: tt.card, By: w.zhou, Button: "详情"})
		if err != nil {
			t.Fatal(err)
		}
		u, _ := w.sim.User(tt.by)
		e.Body["operator"] = map[string]any{"open_id": u.OpenID, "union_id": u.UnionID, "tenant_key": w.sim.TenantKey()}
		e.Body["context"] = map[string]any{"open_message_id": "om_copy", "open_chat_id": "oc_other"}
		a := w.post(t, e, feishusim.Forgery{})
		if a.Status != http.StatusOK || !strings.Contains(string(a.Body), "按钮无效") {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	if got := w.inbox.all(); len(got) != 0 || w.Refused()[movedCard] != 2 {
		t.Errorf("%+v %v", got, w.Refused())
	}
}

// TestA15_ACopyOfAPrivateCard: its owner is answered alone, wherever the copy
// stands: what it shows is not masked.
func TestA15_ACopyOfAPrivateCard(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.sim.AddChat("oc_other", "别的群", w.limin, w.zhou)
	private := w.send(t, w.alone(w.zhou), "k", "")
	e, err := w.sim.PressEvent(feishusim.Click{Message: private, By: w.zhou, Button: "详情"})
	if err != nil {
		t.Fatal(err)
	}
	e.Body["context"] = map[string]any{"open_message_id": "om_copy", "open_chat_id": "oc_other"}
	w.post(t, e, feishusim.Forgery{})
	got := w.inbox.all()
	if len(got) != 1 || !got[0].Direct || got[0].Chat != w.zhou || got[0].Press.Card != "" {
		t.Errorf("%+v", got)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	o := w.alone(w.zhou)
	o.File = &bot.File{Name: "7K3MQ2.csv", Run: "7K3MQ2", Data: []byte("op,id\nDELETE,王磊\n")}
	place := w.send(t, o, strings.Repeat("k", 40), "")
	all := w.sim.Private(w.zhou)
	if len(all) != 2 || all[0].ID != place || all[0].Type != "interactive" || all[1].Type != "file" {
		t.Fatalf("%+v", all)
	}
	key := strings.TrimSuffix(strings.TrimPrefix(all[1].Content, `{"file_key":"`), `"}`)
	if f, ok := w.sim.File(key); !ok || f.Name != "7K3MQ2.csv" || string(f.Data) != string(o.File.Data) || f.Kind != "stream" {
		t.Errorf("%s %+v", key, f)
	}
	// Once more, as after a lost answer: nothing is said twice.
	if again := w.send(t, o, strings.Repeat("k", 40), ""); again != place || len(w.sim.Private(w.zhou)) != 2 {
		t.Errorf("%s, %d messages", again, len(w.sim.Private(w.zhou)))
	}
}

// TestFilesThatCannotGo: the words come all the same, and say why and what else.
func TestFilesThatCannotGo(t *testing.T) {
	t.Parallel()
	good := []byte("x")
	for name, tt := range map[string]struct {
		spoil func(*world)
		data  []byte
		say   string
	}{
		"no permission": {func(w *world) { w.sim.SetScopes("im:message:send_as_bot") }, good, "im&#58;resource&#58;upload"},
		"too large":     {func(*world) {}, make([]byte, fileBytes+1), "30 MB"},
		"empty":         {func(*world) {}, nil, "文件是空的"},
		"refused":       {func(w *world) { w.sim.Inject(feishusim.Fault{Path: "/open-apis/im/v1/files", Code: 234006}) }, good, "30 MB"},
	} {
		w := setup(t, nil)
		tt.spoil(w)
		o := w.alone(w.zhou)
		o.File = &bot.File{Name: "7K3MQ2.csv", Run: "7K3MQ2", Data: tt.data}
		w.send(t, o, "k", "")
		all := w.sim.Private(w.zhou)
		if len(all) != 1 || !strings.Contains(all[0].Content, tt.say) || !strings.Contains(all[0].Content, "rollcall runs 7K3MQ2") {
			t.Errorf("%s: %+v", name, all)
		}
	}
	w := setup(t, nil)
	o := w.alone(w.zhou)
	o.Lang, o.File = bot.EN, &bot.File{Name: "7K3MQ2.csv", Run: "7K3MQ2", Data: good}
	w.sim.Inject(feishusim.Fault{Path: imPath, Skip: 1, Code: 230017})
	w.send(t, o, "k", "")
	if all := w.sim.Private(w.zhou); len(all) != 2 || all[1].Type != "text" || !strings.HasPrefix(all[1].Text(), "The file was not sent: ") || strings.Contains(all[1].Text(), "文件") {
		t.Errorf("%+v", all)
	}
	// What may pass by itself is tried again; nothing has been said yet.
	w = setup(t, nil)
	w.sim.Inject(feishusim.Fault{Path: "/open-apis/im/v1/files", Code: 99991400})
	if _, err := w.Send(t.Context(), o, "k", ""); fault.KindOf(err) != fault.Limited || w.sim.Calls()["message.send"] != 0 {
		t.Errorf("%v %v", err, w.sim.Calls())
	}
}

func TestMissingScopesAreNamed(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	w.sim.SetScopes("im:chat")
	_, err := w.Send(t.Context(), approval(w.chat), "k", "")
	if fault.KindOf(err) != fault.Credential || !strings.Contains(fault.Say(err), "im:message, im:message:send_as_bot") {
		t.Errorf("%v", err)
	}
}
