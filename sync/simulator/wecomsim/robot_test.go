package wecomsim

import (
	"bytes"
	"crypto/md5" // the vendor's checksum of an image
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

func (b *bench) say(key, body string) answer {
	b.t.Helper()
	return b.call("POST", "webhook/send", url.Values{"key": {key}}, body)
}

func (b *bench) upload(key, kind, field string, data []byte) answer {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile(field, "report.csv")
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := part.Write(data); err != nil {
		b.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	query := url.Values{"key": {key}, "type": {kind}}
	r := httptest.NewRequest(http.MethodPost, "/cgi-bin/webhook/upload_media?"+query.Encode(), &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	b.Handler().ServeHTTP(w, r)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		b.t.Fatal(err)
	}
	return a
}

func TestRobotMessages(t *testing.T) {
	t.Parallel()
	picture := []byte("not really a picture")
	sum := md5.Sum(picture)
	article := fields{"title": "t", "url": "https://example.com"}
	card := func(changes fields) fields {
		return fields{"msgtype": "template_card", "template_card": json.RawMessage(object(
			fields{"card_type": "text_notice", "card_action": fields{"type": 1, "url": "https://example.com"}}, changes))}
	}
	text := func(kind, content string) fields {
		return fields{"msgtype": kind, kind: fields{"content": content}}
	}
	for name, c := range map[string]struct {
		body fields
		want int
	}{
		"text of 2048 bytes":        {text("text", strings.Repeat("a", 2048)), 0},
		"text of 2049 bytes":        {text("text", strings.Repeat("a", 2049)), 40058},
		"683 Chinese characters":    {text("text", strings.Repeat("点", 683)), 40058},
		"682 Chinese characters":    {text("text", strings.Repeat("点", 682)), 0},
		"empty text":                {text("text", ""), 44004},
		"no text":                   {fields{"msgtype": "text"}, 44004},
		"markdown of 4096 bytes":    {text("markdown", strings.Repeat("a", 4096)), 0},
		"markdown of 4097 bytes":    {text("markdown", strings.Repeat("a", 4097)), 40058},
		"markdown_v2 of 4096 bytes": {text("markdown_v2", strings.Repeat("a", 4096)), 0},
		"markdown_v2 of 4098 bytes": {text("markdown_v2", strings.Repeat("点", 1366)), 40058},
		"another type":              {fields{"msgtype": "post"}, 40008},
		"no type":                   {fields{}, 40008},
		"image": {fields{"msgtype": "image", "image": fields{
			"base64": base64.StdEncoding.EncodeToString(picture), "md5": hex.EncodeToString(sum[:]),
		}}, 0},
		"image, wrong sum": {fields{"msgtype": "image", "image": fields{
			"base64": base64.StdEncoding.EncodeToString(picture), "md5": "00",
		}}, 40058},
		"image, too large": {fields{"msgtype": "image", "image": fields{
			"base64": base64.StdEncoding.EncodeToString(make([]byte, 2<<20+1)), "md5": "00",
		}}, 45001},
		"image, no base64":  {fields{"msgtype": "image", "image": fields{"base64": "*"}}, 40058},
		"no image":          {fields{"msgtype": "image"}, 40058},
		"news":              {fields{"msgtype": "news", "news": fields{"articles": []any{article}}}, 0},
		"news of nine":      {fields{"msgtype": "news", "news": fields{"articles": make([]fields, 9)}}, 40058},
		"news without url":  {fields{"msgtype": "news", "news": fields{"articles": []any{fields{"title": "t"}}}}, 40058},
		"no news":           {fields{"msgtype": "news"}, 40058},
		"file unknown":      {fields{"msgtype": "file", "file": fields{"media_id": "m"}}, 40007},
		"no file":           {fields{"msgtype": "file"}, 40058},
		"card":              {card(nil), 0},
		"card, news":        {card(fields{"card_type": "news_notice"}), 0},
		"card with buttons": {card(fields{"card_type": "button_interaction"}), 42031},
		"card, seven rows":  {card(fields{"horizontal_content_list": make([]fields, 7)}), 42035},
		"card, four jumps":  {card(fields{"jump_list": make([]fields, 4)}), 42042},
		"card, no action":   {card(fields{"card_action": nil}), 42045},
		"no card":           {fields{"msgtype": "template_card"}, 42031},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			b.AddRobot("key-1")
			b.want(b.say("key-1", object(c.body, nil)), c.want)
			if got := len(b.RobotMessages("key-1")); (got == 1) != (c.want == 0) {
				t.Errorf("%d messages were kept", got)
			}
		})
	}
}

func TestRobotHears(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.AddRobot("key-1")
	var heard []RobotMessage
	b.OnRobotMessage(func(m RobotMessage) {
		heard = append(heard, m)
		b.RobotMessages("key-1") // under no lock
	})
	// The webhook, unlike the contacts API, takes unicode escapes.
	b.want(b.say("key-1", `{"text":{"mentioned_list":["amy","@all"],"mentioned_mobile_list":["13800000001"],"content":"R\u0026D"},"msgtype":"text"}`), 0)
	b.want(b.say("key-1", `{"msgtype":"text"}`), 44004)
	want := []RobotMessage{{
		At: b.clock.Now(), Key: "key-1", Type: "text", Content: "R&D",
		Mentions: []string{"amy", "@all"}, MentionedMobiles: []string{"13800000001"},
		Raw: heard[0].Raw,
	}}
	if !reflect.DeepEqual(heard, want) || !reflect.DeepEqual(b.RobotMessages("key-1"), want) {
		t.Errorf("heard %+v", heard)
	}
	if !strings.HasPrefix(heard[0].Raw, `{"msgtype":"text","text":`) {
		t.Errorf("raw: %s", heard[0].Raw)
	}
}

func TestRobotKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	hello := `{"msgtype":"text","text":{"content":"你好"}}`
	b.want(b.say("", hello), 93000)
	b.want(b.say("key-1", hello), 93000)
	b.AddRobot("key-1")
	b.want(b.say("key-1", hello), 0)
	if !b.DisableRobot("key-1", true) || b.DisableRobot("key-2", true) {
		t.Error("DisableRobot found the wrong robots")
	}
	b.want(b.say("key-1", hello), 93004)
	b.DisableRobot("key-1", false)
	b.want(b.say("key-1", hello), 0)
	b.want(b.say("key-1", "nonsense"), 40058)
	b.RemoveRobot("key-1")
	b.want(b.say("key-1", hello), 93000)
	if got := b.RobotMessages("key-1"); got != nil {
		t.Errorf("messages of no robot: %v", got)
	}
}

func TestRobotRate(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.AddRobot("key-1")
	b.AddRobot("key-2")
	hello := `{"msgtype":"text","text":{"content":"你好"}}`
	for range 10 {
		b.want(b.say("key-1", hello), 0)
	}
	b.clock.Add(30 * time.Second)
	for range 10 {
		b.want(b.say("key-1", hello), 0)
	}
	b.want(b.say("key-1", hello), 45009)
	b.want(b.say("key-2", hello), 0)
	b.clock.Add(30 * time.Second)
	for range 10 {
		b.want(b.say("key-1", hello), 0)
	}
	b.want(b.say("key-1", hello), 45009)
	if got := len(b.RobotMessages("key-1")); got != 30 {
		t.Errorf("%d messages, want 30", got)
	}
}

func TestRobotUpload(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.AddRobot("key-1")
	b.want(b.upload("key-2", "file", "media", make([]byte, 10)), 93000)
	b.want(b.upload("key-1", "movie", "media", make([]byte, 10)), 40058)
	b.want(b.upload("key-1", "file", "data", make([]byte, 10)), 44001)
	b.want(b.upload("key-1", "file", "media", make([]byte, 5)), 44001)
	b.want(b.upload("key-1", "file", "media", make([]byte, 20<<20+1)), 45001)
	b.want(b.upload("key-1", "voice", "media", make([]byte, 2<<20+1)), 45001)
	b.want(b.call("POST", "webhook/upload_media", url.Values{"key": {"key-1"}, "type": {"file"}}, "{}"), 44001)
	a := b.upload("key-1", "file", "media", make([]byte, 6))
	b.want(a, 0)
	body := object(fields{"msgtype": "file", "file": fields{"media_id": a["media_id"]}}, nil)
	b.want(b.say("key-1", body), 0)
	b.want(b.say("key-1", strings.ReplaceAll(body, `"file"`, `"voice"`)), 40007)
	b.clock.Add(mediaLife)
	b.want(b.say("key-1", body), 40007)
}
