package dingtalkbot

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

	"github.com/rollcallhq/rollcall/bot"
)

// TestToldWhileItCloses: a message that came before the end and was not taken is
// answered, though the record says so only when everything closes.
func TestToldWhileItCloses(t *testing.T) {
	t.Parallel()
	var told atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == sessionPath {
			told.Add(1)
		}
		_, _ = w.Write([]byte(`{"errcode":0}`))
	}))
	defer server.Close()
	b, err := New(Options{ClientID: "id", ClientSecret: "secret", CorpID: "corp", APIURL: server.URL, OAPIURL: server.URL, HTTPClient: server.Client(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	e := &ear{b: b}
	e.receive = func(context.Context, bot.Message) error {
		go func() { defer close(closed); e.close() }()
		for {
			e.mu.Lock()
			is := e.closed
			e.mu.Unlock()
			if is {
				return errors.New("the record cannot be written")
			}
			runtime.Gosched()
		}
	}
	raw, err := json.Marshal(map[string]any{
		"conversationId": "cid", "conversationType": "2", "msgId": "m1", "msgtype": "text", "text": map[string]string{"content": "同步 hr"},
		"senderStaffId": "u1", "senderCorpId": "corp", "chatbotCorpId": "corp", "robotCode": "id", "createAt": time.Now().UnixMilli(),
		"sessionWebhook": server.URL + sessionPath + "?session=x", "sessionWebhookExpiredTime": time.Now().Add(time.Hour).UnixMilli(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := &stream{ear: e}
	if _, err := s.message(t.Context(), &payload.DataFrame{Data: string(raw)}); err == nil {
		t.Error("it is acknowledged")
	}
	<-closed
	if n := told.Load(); n != 1 {
		t.Errorf("the sender was told %d times", n)
	}
}
