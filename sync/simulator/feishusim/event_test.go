package feishusim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// receiver is an event receiver that keeps what it got.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []Sent
	status int
	answer string
}

func listen(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: 200, answer: "{}"}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		r.got = append(r.got, Sent{Header: req.Header, Body: body})
		r.mu.Unlock()
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, r.answer)
	}))
	t.Cleanup(r.Close)
	return r
}

// open decrypts the last delivery.
func (r *receiver) open(t *testing.T, key string) map[string]any {
	t.Helper()
	body := r.got[len(r.got)-1].Body
	if key != "" {
		var in struct{ Encrypt string }
		if err := json.Unmarshal(body, &in); err != nil {
			t.Fatal(err)
		}
		plain, err := Decrypt(key, in.Encrypt)
		if err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		body = plain
	}
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMessageOverHTTP(t *testing.T) {
	t.Parallel()
	w := room(t, Options{EncryptKey: "key", VerificationToken: "vt"})
	r := listen(t)
	zhou, _ := w.User("zhou")
	e, err := w.MessageEvent(Words{Chat: "oc_room", From: "zhou", Text: "@点名 同步 hr 给 @王芳 看"})
	if err != nil || e.Silent {
		t.Fatalf("%+v, %v", e, err)
	}
	answer, err := w.Post(t.Context(), r.URL, e, Forgery{})
	if err != nil || answer.Status != 200 || string(answer.Body) != "{}" {
		t.Fatalf("%+v, %v", answer, err)
	}
	sent := r.got[0]
	stamp, nonce := sent.Header.Get("X-Lark-Request-Timestamp"), sent.Header.Get("X-Lark-Request-Nonce")
	if sent.Header.Get("X-Lark-Signature") != Sign(stamp, nonce, "key", sent.Body) || stamp != strconv.FormatInt(w.clock.now().Unix(), 10) {
		t.Errorf("signature: %v", sent.Header)
	}
	got := r.open(t, "key")
	header := object(t, got["header"])
	if got["schema"] != "2.0" || header["event_type"] != EventMessage || header["token"] != "vt" || header["app_id"] != "cli_sim" || header["tenant_key"] != "tenant_sim" {
		t.Errorf("header: %v", got)
	}
	event := object(t, got["event"])
	sender, message := object(t, event["sender"]), object(t, event["message"])
	if object(t, sender["sender_id"])["open_id"] != zhou.OpenID || object(t, sender["sender_id"])["user_id"] != "zhou" || sender["sender_type"] != "user" {
		t.Errorf("sender: %v", sender)
	}
	if message["content"] != `{"text":"@_user_1 同步 hr 给 @_user_2 看"}` || message["chat_type"] != "group" || message["message_id"] != e.MessageID || message["root_id"] != nil {
		t.Errorf("message: %v", message)
	}
	at := rows(t, message["mentions"])
	if len(at) != 2 || object(t, object(t, at[0])["id"])["open_id"] != w.BotID() || object(t, at[1])["name"] != "王芳" {
		t.Errorf("mentions: %v", at)
	}

	// The same event again, with a new id, and a replay to the byte.
	if _, err := w.Post(t.Context(), r.URL, e, Forgery{}); err != nil {
		t.Fatal(err)
	}
	if again := r.open(t, "key"); object(t, again["header"])["event_id"] != e.ID {
		t.Errorf("redelivered: %v", again)
	}
	if _, err := w.Post(t.Context(), r.URL, w.Renew(e), Forgery{}); err != nil {
		t.Fatal(err)
	}
	again := r.open(t, "key")
	if object(t, again["header"])["event_id"] == e.ID || object(t, object(t, again["event"])["message"])["message_id"] != e.MessageID {
		t.Errorf("renewed: %v", again)
	}
	if _, err := w.Resend(t.Context(), r.URL, answer.Sent); err != nil {
		t.Fatal(err)
	}
	last := r.got[len(r.got)-1]
	if string(last.Body) != string(sent.Body) || last.Header.Get("X-Lark-Signature") != sent.Header.Get("X-Lark-Signature") {
		t.Error("the replay differs")
	}
}

func TestReplyEvents(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	root := w.send("text", `{"text":"x"}`, "")["message_id"].(string)
	answer := w.ok("POST", messages+"/"+root+"/reply", `{"msg_type":"text","content":"{\"text\":\"y\"}","reply_in_thread":true}`)
	e, err := w.MessageEvent(Words{Chat: "oc_room", From: "wang", Text: "@点名 批准", ReplyTo: answer["message_id"].(string)})
	if err != nil {
		t.Fatal(err)
	}
	message := object(t, e.Body["message"])
	if message["root_id"] != root || message["parent_id"] != answer["message_id"] || message["thread_id"] != answer["thread_id"] {
		t.Errorf("reply: %v", message)
	}
	old := w.clock.now().Add(-2 * time.Hour)
	late, err := w.MessageEvent(Words{Chat: "oc_room", From: "wang", Text: "@点名 x", At: old, TenantKey: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if object(t, late.Body["message"])["create_time"] != strconv.FormatInt(old.UnixMilli(), 10) || object(t, late.Body["sender"])["tenant_key"] != "other" {
		t.Errorf("late: %v", late.Body)
	}
	for name, words := range map[string]Words{
		"unmentioned": {Chat: "oc_room", From: "zhou", Text: "点名 x"},
		"somebody":    {Chat: "oc_room", From: "zhou", Text: "@王芳 x"},
	} {
		if e, err := w.MessageEvent(words); err != nil || !e.Silent {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	for name, words := range map[string]Words{
		"reads everything": {Chat: "oc_room", From: "zhou", Text: "x", Everyone: true},
		"private":          {From: "zhou", Text: "x"},
		"post":             {From: "zhou", Post: `{"title":"x","content":[]}`},
	} {
		if e, err := w.MessageEvent(words); err != nil || e.Silent {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	w.person("chen", "陈静")
	for name, words := range map[string]Words{
		"stranger":   {Chat: "oc_room", From: "nobody", Text: "x"},
		"not inside": {Chat: "oc_room", From: "chen", Text: "x"},
		"no chat":    {Chat: "oc_none", From: "zhou", Text: "x"},
		"no message": {Chat: "oc_room", From: "zhou", Text: "x", ReplyTo: "om_none"},
	} {
		if _, err := w.MessageEvent(words); !errors.Is(err, errUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.SetScopes("im:message")
	e, err = w.MessageEvent(Words{From: "zhou", Text: "x"})
	if err != nil || object(t, object(t, e.Body["sender"])["sender_id"])["user_id"] != nil {
		t.Errorf("user_id without its permission: %v, %v", e.Body, err)
	}
}

func TestForgeries(t *testing.T) {
	t.Parallel()
	w := room(t, Options{EncryptKey: "key"})
	r := listen(t)
	e, err := w.MessageEvent(Words{From: "zhou", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	post := func(f Forgery) (Sent, func(key string) map[string]any) {
		t.Helper()
		if _, err := w.Post(t.Context(), r.URL, e, f); err != nil {
			t.Fatal(err)
		}
		return r.got[len(r.got)-1], func(key string) map[string]any { return object(t, r.open(t, key)["header"]) }
	}
	signed := func(s Sent, key string) bool {
		h := s.Header
		return h.Get("X-Lark-Signature") == Sign(h.Get("X-Lark-Request-Timestamp"), h.Get("X-Lark-Request-Nonce"), key, s.Body)
	}
	if s, _ := post(Forgery{BadSignature: true}); signed(s, "key") {
		t.Error("the bad signature is good")
	}
	if s, _ := post(Forgery{Unsigned: true}); s.Header.Get("X-Lark-Signature") != "" {
		t.Error("signed")
	}
	if s, _ := post(Forgery{Age: time.Hour}); !signed(s, "key") || s.Header.Get("X-Lark-Request-Timestamp") != strconv.FormatInt(w.clock.now().Unix()-3600, 10) {
		t.Error("the age is wrong")
	}
	if s, header := post(Forgery{Plain: true}); header("")["app_id"] != "cli_sim" || !signed(s, "key") {
		t.Error("not plain")
	}
	if s, header := post(Forgery{Key: "other"}); header("other")["app_id"] != "cli_sim" || !signed(s, "other") {
		t.Error("not under the other key")
	}
	if s, _ := post(Forgery{Nonce: "n1"}); s.Header.Get("X-Lark-Request-Nonce") != "n1" {
		t.Error("the nonce is another")
	}
	_, header := post(Forgery{Token: "t2", AppID: "cli_2", TenantKey: "k2"})
	if h := header("key"); h["token"] != "t2" || h["app_id"] != "cli_2" || h["tenant_key"] != "k2" {
		t.Errorf("header: %v", h)
	}
	r.Close()
	if _, err := w.Post(t.Context(), r.URL+"/secret-path", e, Forgery{}); err == nil || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("error: %v", err)
	}
}

func TestChallenge(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "key"} {
		w := setup(t, Options{EncryptKey: key})
		r := listen(t)
		e, word := w.Challenge()
		if _, err := w.Post(t.Context(), r.URL, e, Forgery{}); err != nil {
			t.Fatal(err)
		}
		got := r.open(t, key)
		if got["type"] != "url_verification" || got["challenge"] != word || got["token"] != "sim-verification" {
			t.Errorf("challenge: %v", got)
		}
	}
}

func TestPressOverHTTP(t *testing.T) {
	t.Parallel()
	w := room(t, Options{EncryptKey: "key", AckWait: time.Minute})
	r := listen(t)
	id := w.send("interactive", card2, "")["message_id"].(string)
	press := func(c Click) Answer {
		t.Helper()
		c.Message, c.By = id, "wang"
		e, err := w.PressEvent(c)
		if err != nil {
			t.Fatal(err)
		}
		a, err := w.Post(t.Context(), r.URL, e, Forgery{})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	next := strings.Replace(card2, "删除", "已批准", 1)
	r.answer = `{"toast":{"type":"success","content":"好"},"card":{"type":"raw","data":` + next + `}}`
	if a := press(Click{Button: "批准", Form: map[string]string{"n": "3"}}); a.ClientCode != 0 {
		t.Errorf("pressed: %+v", a)
	}
	got := r.open(t, "key")
	header, event := object(t, got["header"]), object(t, got["event"])
	action := object(t, event["action"])
	if header["event_type"] != EventPress || len(header["create_time"].(string)) != 16 {
		t.Errorf("header: %v", header)
	}
	if object(t, action["value"])["op"] != "approve" || action["name"] != "approve" || object(t, action["form_value"])["n"] != "3" || action["tag"] != "button" {
		t.Errorf("action: %v", action)
	}
	where, who := object(t, event["context"]), object(t, event["operator"])
	if where["open_message_id"] != id || where["open_chat_id"] != "oc_room" || who["tenant_key"] != "tenant_sim" || who["open_id"] == nil {
		t.Errorf("event: %v", event)
	}
	if m, _ := w.Message(id); m.Content != next || len(w.EffectsOf("card.answer")) != 1 {
		t.Errorf("card: %s", m.Content)
	}
	for _, tt := range []struct {
		status int
		answer string
		code   int
	}{
		{200, `{}`, 0},
		{200, `{"toast":{"type":"loud"}}`, pressBadBody},
		{200, `null`, pressBadBody},
		{200, `{"msg":"success"}`, pressBadBody},
		{200, `{"card":{"type":"raw","data":{"schema":"2.0"}}}`, pressBadCard},
		{200, `{"card":{"type":"raw","data":` + card1 + `}}`, pressDowngrade},
		{500, `{}`, pressBadStatus},
	} {
		r.status, r.answer = tt.status, tt.answer
		if a := press(Click{Value: "text"}); a.ClientCode != tt.code {
			t.Errorf("%s: %d", tt.answer, a.ClientCode)
		}
	}
	for _, c := range []Click{{Message: id, By: "wang", Button: "文档"}, {Message: id, By: "nobody"}, {Message: "om_none", By: "wang"}} {
		if _, err := w.PressEvent(c); !errors.Is(err, errUnknown) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	w.clock.advance(cardLife + time.Second)
	if _, err := w.PressEvent(Click{Message: id, By: "wang"}); !errors.Is(err, ErrTooOld) {
		t.Errorf("an old card was pressed: %v", err)
	}
}

func TestLateCardUpdate(t *testing.T) {
	t.Parallel()
	w := room(t, Options{})
	r := listen(t)
	id := w.send("interactive", card2, "")["message_id"].(string)
	e, err := w.PressEvent(Click{Message: id, By: "wang", Button: "approve"})
	if err != nil {
		t.Fatal(err)
	}
	token := e.Body["token"].(string)
	update := func(card string) string { return `{"token":"` + token + `","card":` + card + `}` }
	const path = "/open-apis/interactive/v1/card/update"
	if _, err := w.Post(t.Context(), r.URL, e, Forgery{}); err != nil {
		t.Fatal(err)
	}
	w.refused(200830, "POST", path, update(card1))
	w.refused(230099, "POST", path, update(`{"schema":"2.0"}`))
	w.refused(300090, "POST", path, update(`{"elements":[{"tag":"hr"}]}`))
	w.ok("POST", path, update(card2))
	w.ok("POST", path, update(strings.Replace(card2, `{"schema"`, `{"open_ids":["x"],"schema"`, 1)))
	w.refused(300000, "POST", path, update(card2)) // the third time
	if m, _ := w.Message(id); m.Edits != 2 || strings.Contains(m.Content, "open_ids") {
		t.Errorf("card: %+v", m)
	}
}

func TestContactEvents(t *testing.T) {
	t.Parallel()
	w := setup(t, Options{})
	d := w.department("rd", "研发", "")
	u := w.person("u1", "李雷", "rd")
	e, err := w.UserEvent("updated", "u1", map[string]any{"name": "旧名"})
	if err != nil || e.Type != "contact.user.updated_v3" || object(t, e.Body["object"])["open_id"] != u.OpenID || object(t, e.Body["old_object"])["name"] != "旧名" {
		t.Errorf("user: %+v, %v", e, err)
	}
	w.ok("DELETE", users+"/"+u.OpenID, "")
	if e, err := w.UserEvent("deleted", "nobody", nil); err == nil {
		t.Errorf("an unknown person has an event: %+v", e)
	}
	e, err = w.UserEvent("deleted", "u1", nil)
	if err != nil || object(t, e.Body["old_object"])["department_ids"].([]string)[0] != d.OpenID {
		t.Errorf("deleted: %+v, %v", e, err)
	}
	e, err = w.DepartmentEvent("created", "rd", nil)
	if err != nil || object(t, e.Body["object"])["order"] != 0 || e.Type != "contact.department.created_v3" {
		t.Errorf("department: %+v, %v", e, err)
	}
	if _, err := w.DepartmentEvent("created", "none", nil); err == nil {
		t.Error("an unknown department has an event")
	}
	e = w.ScopeEvent(ContactScope{}, ContactScope{Departments: []string{"rd"}, Users: []string{u.OpenID}})
	removed := object(t, e.Body["removed"])
	if len(rows(t, removed["departments"])) != 1 || len(rows(t, removed["users"])) != 1 {
		t.Errorf("scope: %+v", e.Body)
	}
}
