package feishubot

import (
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// sample builds an event of im.message.receive_v1 as the vendor's page shows it.
func sample(t testing.TB, kind, content, mentions, chatType string) *envelope {
	t.Helper()
	quoted, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	raw := `{"schema":"2.0","header":{"event_id":"e1","event_type":"im.message.receive_v1","create_time":"1608725989000","token":"v","app_id":"cli_sim","tenant_key":"t"},
	"event":{"sender":{"sender_id":{"union_id":"on_s","user_id":"e33ggbyz","open_id":"ou_s"},"sender_type":"user","tenant_key":"t"},
	"message":{"message_id":"om_1","root_id":"om_0","parent_id":"om_0","create_time":"1609073151345","chat_id":"oc_1","thread_id":"omt_1","chat_type":"` + chatType + `",
	"message_type":"` + kind + `","content":` + string(quoted) + `,"mentions":[` + mentions + `],"user_agent":"x"}}}`
	e, ok := readEnvelope([]byte(raw))
	if !ok {
		t.Fatalf("sample: %s", raw)
	}
	return e
}

const (
	atBot  = `{"key":"@_user_1","id":{"open_id":"ou_bot","union_id":"on_bot"},"name":"点名","tenant_key":"t","mentioned_type":"bot"}`
	atZhou = `{"key":"@_user_2","id":{"open_id":"ou_zhou","union_id":"on_z"},"name":"Zhou Kai","tenant_key":"t"}`
	atTen  = `{"key":"@_user_10","id":{"open_id":"ou_ten"},"name":"Ten\n批准 7K3MQ2","tenant_key":"t"}`
	atAll  = `{"key":"@_all","id":{},"name":"所有人"}`
)

func newUnit(t testing.TB) *Bot {
	t.Helper()
	b := &Bot{o: Options{AppID: "cli_sim"}, refused: map[string]int64{}}
	b.o.setDefaults()
	b.self.init("ou_bot")
	return b
}

func TestMessages(t *testing.T) {
	t.Parallel()
	zhou, ten := bot.Mention{ID: "ou_zhou", Name: "Zhou Kai"}, bot.Mention{ID: "ou_ten", Name: "Ten 批准 7K3MQ2"}
	for _, tt := range []struct {
		name, kind, content, mentions, chatType string
		text                                    string
		addressed                               bool
		others                                  []bot.Mention
	}{
		{"text", "text", `{"text":"@_user_1 同步 hr"}`, atBot, "group", "同步 hr", true, nil},
		{"mention at the end", "text", `{"text":"同步 hr @_user_1"}`, atBot, "group", "同步 hr", true, nil},
		{"no blank", "text", `{"text":"@_user_1同步 hr"}`, atBot, "group", "同步 hr", true, nil},
		{"another person", "text", `{"text":"@_user_1 历史 --谁=@_user_2"}`, atBot + "," + atZhou, "group", "历史 --谁=@Zhou Kai", true, []bot.Mention{zhou}},
		{"ten is not one", "text", `{"text":"@_user_1 查人 @_user_10"}`, atBot + "," + atTen, "group", "查人 @Ten 批准 7K3MQ2", true, []bot.Mention{ten}},
		{"ten alone", "text", `{"text":"@_user_10 同步 hr"}`, atTen, "group", "@Ten 批准 7K3MQ2 同步 hr", false, []bot.Mention{ten}},
		{"everybody", "text", `{"text":"@_all 同步 hr"}`, atAll, "group", "@所有人 同步 hr", false, nil},
		{"everybody, unnamed", "text", `{"text":"@_all 同步 hr"}`, "", "group", "@all 同步 hr", false, nil},
		{"nobody", "text", `{"text":"同步 hr"}`, "", "group", "同步 hr", false, nil},
		{"typed by hand", "text", `{"text":"@点名 同步 hr @_user_7"}`, "", "group", "@点名 同步 hr @_user_7", false, nil},
		{"alone with the bot", "text", `{"text":"帮助"}`, "", "p2p", "帮助", true, nil},
		{"two lines", "text", `{"text":"@_user_1 同步 hr\n批准 7K3MQ2"}`, atBot, "group", "同步 hr\n批准 7K3MQ2", true, nil},
		{"a group of topics", "text", `{"text":"@_user_1 帮助"}`, atBot, "topic_group", "帮助", true, nil},
		{
			"post", "post", `{"title":"","content":[[{"tag":"at","user_id":"@_user_1","user_name":"点名","style":[]},{"tag":"text","text":" 同步 "},{"tag":"a","href":"http://x","text":"hr"}],[{"tag":"img","image_key":"k"}]]}`,
			atBot, "group", "同步 hr", true, nil,
		},
		{"post with a title", "post", `{"title":"标题","content":[[{"tag":"at","user_id":"@_user_1"},{"tag":"at","user_id":"all"},{"tag":"at","user_id":"ou_x"}]]}`, atBot, "group", "标题\n@all@", true, nil},
		{"image", "image", `{"image_key":"k"}`, "", "p2p", "", true, nil},
		{"file", "file", `{"file_key":"k","file_name":"批准 7K3MQ2"}`, "", "p2p", "", true, nil},
		{"forwarded", "merge_forward", `{"text":"批准 7K3MQ2 删除=3"}`, "", "p2p", "", true, nil},
		{"broken content", "text", `{"text":`, "", "p2p", "", true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, err := newUnit(t).message(sample(t, tt.kind, tt.content, tt.mentions, tt.chatType))
			if err != nil {
				t.Fatal(err)
			}
			if m.Text != tt.text || m.Addressed != tt.addressed || !reflect.DeepEqual(m.Mentions, tt.others) {
				t.Errorf("%q, addressed %v, %v", m.Text, m.Addressed, m.Mentions)
			}
			if m.ID != "om_1" || m.Chat != "oc_1" || m.Direct != (tt.chatType == "p2p") || m.Foreign || m.Press != nil {
				t.Errorf("%+v", m)
			}
			if want := []string{"ou_s", "on_s", "user_id:e33ggbyz"}; !reflect.DeepEqual(m.Sender, want) {
				t.Errorf("sender %v", m.Sender)
			}
			if !m.At.Equal(time.UnixMilli(1609073151345)) {
				t.Errorf("at %v", m.At)
			}
		})
	}
}

func TestForeigners(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*messageJSON){
		"another tenant": func(m *messageJSON) { m.Sender.TenantKey = "other" },
		"no tenant":      func(m *messageJSON) { m.Sender.TenantKey = "" },
		"a bot":          func(m *messageJSON) { m.Sender.Type = "app" },
		"no type":        func(m *messageJSON) { m.Sender.Type = "" },
	} {
		e := sample(t, "text", `{"text":"帮助"}`, "", "p2p")
		var in map[string]any
		var typed messageJSON
		if json.Unmarshal(e.Event, &typed) != nil || json.Unmarshal(e.Event, &in) != nil {
			t.Fatal("sample")
		}
		change(&typed)
		in["sender"] = map[string]any{"sender_id": map[string]any{}, "sender_type": typed.Sender.Type, "tenant_key": typed.Sender.TenantKey}
		e.Event, _ = json.Marshal(in)
		m, err := newUnit(t).message(e)
		if err != nil || !m.Foreign || len(m.Sender) != 0 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// TestIDsKeepTheirKind: a user_id may be chosen freely, so it must never pass
// for an open_id or union_id.
func TestIDsKeepTheirKind(t *testing.T) {
	t.Parallel()
	got := userIDs{OpenID: "zhou", UnionID: "ou_boss", UserID: "ou_boss"}.list()
	if want := []string{"user_id:ou_boss"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestPrivateAndForeignTalkOverTheWire(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	e, err := w.sim.MessageEvent(feishusim.Words{From: w.zhou, Text: "我是谁"})
	if err != nil {
		t.Fatal(err)
	}
	w.post(t, e, feishusim.Forgery{})
	w.post(t, w.say(t, feishusim.Words{Text: "@点名 帮助", TenantKey: "partner"}), feishusim.Forgery{})
	w.post(t, w.say(t, feishusim.Words{Text: "午饭吃什么", Everyone: true}), feishusim.Forgery{})
	got := w.inbox.all()
	if len(got) != 2 || !got[0].Direct || !got[0].Addressed || got[0].Text != "我是谁" || got[0].Foreign || !got[1].Foreign {
		t.Errorf("%+v", got)
	}
	if got[0].Sender[0] != w.zhou || got[0].Sender[2] != "user_id:zhou" {
		t.Errorf("sender %v", got[0].Sender)
	}
}

func TestTimesByTheirDigits(t *testing.T) {
	t.Parallel()
	want := time.Unix(1608725989, 0)
	for _, s := range []string{"1608725989", "1608725989000", "1608725989000000", "1608725989000000000"} {
		if got := parseTime(s); !got.Equal(want) {
			t.Errorf("%s: %v", s, got)
		}
	}
	for _, s := range []string{"", "x", "-5", "0", "99999999999999999999999"} {
		if got := parseTime(s); !got.IsZero() {
			t.Errorf("%s: %v", s, got)
		}
	}
}

func TestWithoutIdentityAMentionWaits(t *testing.T) {
	t.Parallel()
	w := setup(t, func(_ *feishusim.Options, o *Options) { o.BotOpenID = "unknown" })
	e := w.say(t, feishusim.Words{Text: "@点名 帮助"})
	if a := w.post(t, e, feishusim.Forgery{}); a.Status != http.StatusServiceUnavailable || len(w.inbox.all()) != 0 {
		t.Fatalf("%d, %d messages", a.Status, len(w.inbox.all()))
	}
	if _, err := w.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := w.post(t, e, feishusim.Forgery{}); a.Status != http.StatusOK || len(w.inbox.all()) != 1 {
		t.Errorf("%d, %d messages", a.Status, len(w.inbox.all()))
	}
}

func TestBadEvents(t *testing.T) {
	t.Parallel()
	w := setup(t, nil)
	for kind, body := range map[string]map[string]any{
		messageEvent: {"message": map[string]any{"chat_id": "oc_1"}},
		pressEvent:   {"action": map[string]any{}},
	} {
		if a := w.post(t, w.sim.NewEvent(kind, body), feishusim.Forgery{}); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %d", kind, a.Status)
		}
	}
	if w.Refused()[badEvent] != 2 || w.log.count() != 2 {
		t.Errorf("%v %s", w.Refused(), w.log.text())
	}
}

func FuzzMessage(f *testing.F) {
	e := sample(f, "text", `{"text":"@_user_1 同步 hr @_user_10"}`, atBot+","+atTen, "group")
	f.Add([]byte(e.Event))
	f.Add([]byte(sample(f, "post", `{"content":[[{"tag":"at","user_id":"@_user_1"}]]}`, atBot, "p2p").Event))
	b := newUnit(f)
	f.Fuzz(func(t *testing.T, event []byte) {
		e := *e
		e.Event = event
		m, err := b.message(&e)
		if err == nil && (m.ID == "" || m.Chat == "" || m.Text != strings.TrimSpace(m.Text)) {
			t.Fatalf("%+v", m)
		}
		if err != nil && !errors.Is(err, errNoMessage) {
			t.Fatalf("%v", err)
		}
		if m, err := b.pressed(&e); err == nil && (m.Press == nil || m.Chat == "") {
			t.Fatalf("%+v", m)
		}
	})
}

func FuzzTake(f *testing.F) {
	f.Add([]byte(sdkBody))
	f.Add([]byte(`{"schema":"2.0","header":{"event_id":"e","event_type":"card.action.trigger","app_id":"cli_sim","tenant_key":"t"},"event":{"context":{"open_chat_id":"oc"},"action":{"value":"x"}}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		b := newUnit(t)
		in := &inbox{}
		answer, err := b.take(t.Context(), payload, in.receive)
		if err != nil && (answer != nil || len(in.all()) != 0) {
			t.Fatalf("refused and yet taken: %s %v", answer, err)
		}
	})
}
