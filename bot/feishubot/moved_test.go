package feishubot

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// moves remembers what the hook was told.
type moves struct {
	mu  sync.Mutex
	all []string
}

func (m *moves) hook(_ context.Context, chat string, added bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = append(m.all, fmt.Sprint(chat, " ", added))
}

func (m *moves) said() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.all, ", ")
}

// TestA17_A37_BotMoved: by callback and by the long connection alike.
func TestA17_A37_BotMoved(t *testing.T) {
	t.Parallel()
	told := &moves{}
	p := &pipe{ready: make(chan Handle, 1)}
	w := setup(t, func(_ *feishusim.Options, o *Options) { o.BotMoved, o.Connect = told.hook, p.connect })
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { _ = w.Listen(ctx, w.inbox.receive) }()
	handle := <-p.ready
	for _, added := range []bool{false, true} {
		e, err := w.sim.BotMovedEvent(w.chat, w.limin, added)
		if err != nil {
			t.Fatal(err)
		}
		if a := w.post(t, e, feishusim.Forgery{}); a.Status != http.StatusOK || string(a.Body) != "{}" {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	const byConnection = `{"schema":"2.0","header":{"event_id":"e","event_type":"im.chat.member.bot.added_v1","app_id":"cli_sim","tenant_key":"tenant_sim"},"event":{"chat_id":"oc_new"}}`
	if answer, err := handle(ctx, []byte(byConnection)); answer != nil || err != nil {
		t.Errorf("%s %v", answer, err)
	}
	if got := told.said(); got != "oc_ops false, oc_ops true, oc_new true" {
		t.Errorf("%q", got)
	}
	for name, f := range map[string]feishusim.Forgery{"forged": {BadSignature: true}, "foreign": {TenantKey: "tenant_other"}} {
		e, err := w.sim.BotMovedEvent(w.chat, w.limin, false)
		if err != nil {
			t.Fatal(err)
		}
		if a := w.post(t, e, f); a.Status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, a.Status)
		}
	}
	if a := w.post(t, w.sim.NewEvent("im.chat.member.bot.added_v1", map[string]any{"chat_id": 7}), feishusim.Forgery{}); a.Status != http.StatusOK {
		t.Errorf("without a chat: %d", a.Status) // it would be no better when it came again
	}
	if got := told.said(); strings.Count(got, ",") != 2 || len(w.inbox.all()) != 0 {
		t.Errorf("%q %+v", got, w.inbox.all())
	}
}

// TestA21_RecalledOrChanged: what happens to a message afterwards is accepted and
// changes nothing, and no event makes Feishu ask again.
func TestA21_RecalledOrChanged(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	said := w.say(t, feishusim.Words{Text: "@点名 同步 hr"})
	w.post(t, said, feishusim.Forgery{})
	recalled, err := w.sim.RecallEvent(said.MessageID)
	if err != nil {
		t.Fatal(err)
	}
	read, err := w.sim.ReadEvent(w.limin, "om_1")
	if err != nil {
		t.Fatal(err)
	}
	events := []feishusim.Event{
		recalled, read,
		w.sim.NewEvent("im.message.updated_v1", map[string]any{"message_id": said.MessageID}),
		w.sim.NewEvent("im.message.reaction.created_v1", nil),
		w.sim.NewEvent("never.heard_of_v9", map[string]any{"x": []int{1}}),
	}
	for _, e := range events {
		if a := w.post(t, e, feishusim.Forgery{}); a.Status != http.StatusOK || string(a.Body) != "{}" {
			t.Errorf("%s: %d %s", e.Type, a.Status, a.Body)
		}
	}
	if got := w.inbox.all(); len(got) != 1 || got[0].ID != said.MessageID {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(w.log.text(), "message changed afterwards") {
		t.Errorf("log: %s", w.log.text())
	}
}
