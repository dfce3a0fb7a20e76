package dingtalksim

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

func FuzzDecodeAck(f *testing.F) {
	for _, seed := range []string{
		`{"code":200,"headers":{"contentType":"application/json","messageId":"m"},"message":"OK","data":"{\"response\":null}"}`,
		`{"code":404,"headers":{"messageId":"m"}}`, `{"code":1e99,"headers":{"messageId":"m"}}`,
		`{"code":200.5,"headers":{"messageId":"m"}}`, `{"code":200,"headers":null}`, `null`, `[]`, `{"headers":{"messageId":1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ack, err := decodeAck(raw)
		if err != nil {
			return
		}
		if ack.messageID == "" {
			t.Errorf("an ack without id was taken: %q", raw)
		}
		again, err := json.Marshal(map[string]any{
			"code": ack.Code, "message": ack.Message, "data": ack.Data, "headers": map[string]string{"messageId": ack.messageID},
		})
		if err != nil {
			t.Fatal(err)
		}
		if second, err := decodeAck(again); err != nil || second != ack {
			t.Errorf("%q gave %+v, and then %+v, %v", raw, ack, second, err)
		}
	})
}

func FuzzReadMessage(f *testing.F) {
	for _, seed := range []string{
		`{"msgtype":"text","text":{"content":"x"},"at":{"atUserIds":["u"],"isAtAll":true}}`,
		`{"msgtype":"markdown","markdown":{"title":"t","text":"x"}}`, `{"msgtype":"actionCard","actionCard":{"btns":[1]}}`,
		`{"msgtype":"feedCard","feedCard":{"links":[{"title":"t"}]}}`, `{"msgtype":"link","link":null}`, `{"at":[]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := decodeObject(raw)
		if err != nil {
			return
		}
		m, refused := readMessage(o)
		if refused.code == 0 && strings.TrimSpace(m.words()) == "" {
			t.Errorf("an empty message was taken: %q", raw)
		}
	})
}

func FuzzDTMD(f *testing.F) {
	f.Add("批准 7K3MQ2 删除=3")
	f.Add("a+b&c=%d#e?f")
	f.Fuzz(func(t *testing.T, text string) {
		got, isCommand := DTMD("dtmd://dingtalkclient/sendMessage?content=" + url.QueryEscape(text))
		if got != text || isCommand != (text != "") {
			t.Errorf("%q came back as %q, %v", text, got, isCommand)
		}
		DTMD(text) // must not panic
	})
}

func FuzzFillTemplate(f *testing.F) {
	f.Add("sampleText", []byte(`{"content":"x"}`))
	f.Add("sampleActionCard5", []byte(`{"title":"t","text":"x","actionTitle1":"a"}`))
	f.Add("sampleActionCard", []byte(`{"title":1}`))
	f.Fuzz(func(t *testing.T, key string, raw []byte) {
		o, err := decodeObject(raw)
		if err != nil {
			return
		}
		m, problem := fillTemplate(key, o)
		if problem != "" {
			return
		}
		for _, b := range m.Buttons {
			if b.Title == "" || b.URL == "" {
				t.Errorf("%s took an empty button: %q", key, raw)
			}
		}
	})
}
