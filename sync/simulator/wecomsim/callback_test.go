package wecomsim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	sampleToken = "QDG6eK"
	sampleKey   = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	sampleCorp  = "wx5823bf96d3bd56c7"
)

// The sample of the vendor's documentation.
func TestSealVector(t *testing.T) {
	t.Parallel()
	const want = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
	got, err := encrypt(sampleKey, []byte("c41b64491c2468d0"), []byte("1616140317555161061"), sampleCorp)
	if err != nil || got != want {
		t.Errorf("%s %v", got, err)
	}
	if got := sign(sampleToken, "1409659589", "263014780", want); got != "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3" {
		t.Errorf("signature %s", got)
	}
}

// A text whose padding is longer than one AES block.
func TestSealPadding(t *testing.T) {
	t.Parallel()
	for size := range 70 {
		sealed, err := encrypt(sampleKey, make([]byte, 16), bytes.Repeat([]byte("x"), size), sampleCorp)
		if err != nil {
			t.Fatal(err)
		}
		if got := unseal(t, sealed); got != strings.Repeat("x", size) {
			t.Errorf("size %d: %q", size, got)
		}
	}
}

func TestSealRefusesABadKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "short", strings.Repeat("*", 43)} {
		if _, err := encrypt(key, make([]byte, 16), nil, ""); err == nil {
			t.Errorf("key %q was accepted", key)
		}
	}
}

// unseal decrypts by the documentation, not by the code under test.
func unseal(t *testing.T, sealed string) string {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(sampleKey + "=")
	if err != nil {
		t.Fatal(err)
	}
	data, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(data)%32 != 0 {
		t.Fatalf("%d bytes: %v", len(data), err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(data, data)
	data = data[16 : len(data)-int(data[len(data)-1])]
	size := binary.BigEndian.Uint32(data)
	if receiver := string(data[4+size:]); receiver != sampleCorp {
		t.Fatalf("receiver %q", receiver)
	}
	return string(data[4 : 4+size])
}

func TestEventRequest(t *testing.T) {
	t.Parallel()
	b := New(Options{CorpID: sampleCorp})
	to := Callback{URL: "http://127.0.0.1/wecom", Token: sampleToken, AESKey: sampleKey}
	for name, c := range map[string]struct {
		event ContactEvent
		want  string
	}{
		"create_user": {
			ContactEvent{Change: "create_user", UserID: "amy", Departments: []int64{1, 2}},
			"<UserID><![CDATA[amy]]></UserID><Department><![CDATA[1,2]]></Department>",
		},
		"update_user": {
			ContactEvent{Change: "update_user", UserID: "amy", NewUserID: "amy2"},
			"<UserID><![CDATA[amy]]></UserID><NewUserID><![CDATA[amy2]]></NewUserID>",
		},
		"delete_user": {
			ContactEvent{Change: "delete_user", UserID: "amy"},
			"<UserID><![CDATA[amy]]></UserID>",
		},
		"create_party": {
			ContactEvent{Change: "create_party", PartyID: 7, Name: "R&D", ParentID: 1, Order: 3},
			"<Id>7</Id><Name><![CDATA[R&D]]></Name><ParentId>1</ParentId><Order>3</Order>",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := b.EventRequest(t.Context(), to, c.event)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			var envelope struct {
				ToUserName, Encrypt string
			}
			if err := xml.Unmarshal(body, &envelope); err != nil || envelope.ToUserName != sampleCorp {
				t.Fatalf("%s: %v", body, err)
			}
			query := r.URL.Query()
			signed := sign(to.Token, query.Get("timestamp"), query.Get("nonce"), envelope.Encrypt)
			if r.Method != http.MethodPost || query.Get("msg_signature") != signed {
				t.Errorf("%s %s: signature is not %s", r.Method, r.URL, signed)
			}
			want := "<xml><ToUserName><![CDATA[" + sampleCorp + "]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>" +
				"<CreateTime>1793610000</CreateTime><MsgType><![CDATA[event]]></MsgType>" +
				"<Event><![CDATA[change_contact]]></Event><ChangeType><![CDATA[" + name + "]]></ChangeType>" + c.want + "</xml>"
			if got := unseal(t, envelope.Encrypt); got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}

func TestVerifyRequest(t *testing.T) {
	t.Parallel()
	b := New(Options{CorpID: sampleCorp})
	to := Callback{
		URL: "http://127.0.0.1/wecom", Token: sampleToken, AESKey: sampleKey,
		Rand: strings.NewReader(strings.Repeat("r", 24)),
	}
	r, err := b.VerifyRequest(t.Context(), to, "hello")
	if err != nil {
		t.Fatal(err)
	}
	query := r.URL.Query()
	if got := unseal(t, query.Get("echostr")); r.Method != http.MethodGet || got != "hello" {
		t.Errorf("%s %q", r.Method, got)
	}
	if query.Get("nonce") != "7272727272727272" || query.Get("msg_signature") != sign(sampleToken, query.Get("timestamp"), query.Get("nonce"), query.Get("echostr")) {
		t.Errorf("query %v", query)
	}
	if _, err := b.VerifyRequest(t.Context(), to, "again"); err == nil {
		t.Error("an exhausted source of random bytes was not noticed")
	}
	if _, err := b.EventRequest(t.Context(), Callback{AESKey: sampleKey}, ContactEvent{}); err == nil {
		t.Error("an event without a type was accepted")
	}
}
