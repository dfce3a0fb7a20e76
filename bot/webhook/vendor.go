package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// vendor is what differs between the platforms.
type vendor struct {
	hosts   []string
	path    func(*url.URL) bool
	limits  []limit
	key     string // body field of the idempotency key; "" = none
	sign    func(r *Robot, fields map[string]any, u *url.URL)
	draw    func(r *Robot, o bot.Outgoing) ([]message, error)
	meaning func(a answer) *fault.Error // nil for a code that it does not know
}

// vendors knows the platforms. The limits stay below the vendors' own (Feishu
// 100 a minute and 5 a second, the others 20 a minute): their clocks are not
// ours.
func vendors() map[run.Platform]vendor {
	return map[run.Platform]vendor{
		run.Feishu: {
			hosts:  []string{"open.feishu.cn", "open.larksuite.com"},
			path:   func(u *url.URL) bool { return below(u, "/open-apis/bot/v2/hook/") && u.RawQuery == "" },
			limits: []limit{{90, time.Minute}, {4, time.Second}},
			sign:   signFeishu, draw: drawFeishu, meaning: feishuMeaning,
		},
		run.DingTalk: {
			hosts:  []string{"oapi.dingtalk.com"},
			path:   func(u *url.URL) bool { return u.Path == "/robot/send" && u.Query().Get("access_token") != "" },
			limits: []limit{{18, time.Minute}},
			key:    "msgUuid",
			sign:   signDingTalk, draw: drawDingTalk, meaning: dingTalkMeaning,
		},
		run.WeCom: {
			hosts:  []string{"qyapi.weixin.qq.com"},
			path:   func(u *url.URL) bool { return u.Path == "/cgi-bin/webhook/send" && u.Query().Get("key") != "" },
			limits: []limit{{18, time.Minute}},
			draw:   drawWeCom, meaning: weComMeaning,
		},
	}
}

// below tells whether the path is one segment under a prefix.
func below(u *url.URL, prefix string) bool {
	rest, ok := strings.CutPrefix(u.EscapedPath(), prefix)
	return ok && rest != "" && !strings.ContainsAny(rest, "/%")
}

// FeishuSign gives the signature of a Feishu custom bot: the HMAC's key is
// timestamp (seconds), newline and secret, and nothing is signed with it.
// Source: the vendor's page "custom bot usage guide".
func FeishuSign(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(timestamp+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// DingTalkSign gives the signature of a DingTalk custom robot, not yet escaped
// for a URL: the key is the secret, and timestamp (milliseconds), newline and
// secret are signed. Source: the vendor's page "custom robot security".
func DingTalkSign(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signFeishu puts time and signature into the body.
func signFeishu(r *Robot, fields map[string]any, _ *url.URL) {
	stamp := strconv.FormatInt(r.o.Now().Unix(), 10)
	fields["timestamp"], fields["sign"] = stamp, FeishuSign(stamp, r.o.Secret)
}

// signDingTalk puts them into the URL, made anew from the robot's address.
func signDingTalk(r *Robot, _ map[string]any, u *url.URL) {
	stamp := strconv.FormatInt(r.o.Now().UnixMilli(), 10)
	q := u.Query()
	q.Set("timestamp", stamp)
	q.Set("sign", DingTalkSign(stamp, r.o.Secret))
	u.RawQuery = q.Encode()
}

// options are what all dialects share. People are mentioned only on their own
// platform: an id means nobody, or somebody else, elsewhere.
func (r *Robot) options(o bot.Outgoing, d markdown.Dialect) markdown.Options {
	out := markdown.Options{Dialect: d, Lang: o.Lang, Lead: r.o.Keyword, Commands: o.Card.Buttons, Size: sizeOf}
	if o.Platform == r.o.Type {
		out.Mentions = o.Mention
	}
	return out
}

// The vendors' limits of a body, less what stands around the text.
const (
	feishuLimit   = 20<<10 - 2<<10
	dingTalkLimit = 20_000 - 4_000
	weComLimit    = 4096 // bytes of the text itself
	weComParts    = 3
	maxMentions   = 50
)

// drawFeishu draws a card without buttons; a short answer, or a card that the
// platform does not take, is a text.
func drawFeishu(r *Robot, o bot.Outgoing) ([]message, error) {
	opt := r.options(o, markdown.Text)
	opt.Limit, opt.Mentions = feishuLimit, nil
	words := map[string]any{"msg_type": "text", "content": map[string]any{"text": markdown.Render(o.Card, opt).Text}}
	opt = r.options(o, markdown.Feishu)
	opt.Limit = feishuLimit
	doc := markdown.Render(o.Card, opt)
	if o.Card.Plain || doc.Text == "" {
		return []message{{fields: words}}, nil
	}
	card := map[string]any{
		"schema": "2.0",
		"config": map[string]any{"summary": map[string]any{"content": doc.Title}},
		"header": map[string]any{
			"template": feishuColor(o.Card.Tone),
			"title":    map[string]any{"tag": "plain_text", "content": doc.Title},
		},
		"body": map[string]any{"elements": []any{map[string]any{"tag": "markdown", "content": doc.Text}}},
	}
	return []message{{fields: map[string]any{"msg_type": "interactive", "card": card}, plain: words}}, nil
}

// feishuColor names the colour of a card's head.
func feishuColor(t bot.Tone) string {
	switch t {
	case bot.Waits, bot.Warn:
		return "orange"
	case bot.Danger:
		return "red"
	case bot.Good:
		return "green"
	case bot.Quiet:
		return "grey"
	default:
		return "blue"
	}
}

// drawDingTalk draws markdown, or a text. isAtAll is always false.
func drawDingTalk(r *Robot, o bot.Outgoing) ([]message, error) {
	opt := r.options(o, markdown.DingTalk)
	if o.Card.Plain {
		opt.Dialect = markdown.Text
	}
	opt.Limit = dingTalkLimit
	called := []string{}
	for _, id := range opt.Mentions {
		if markdown.ID(id) && len(called) < maxMentions {
			called = append(called, id)
		}
	}
	opt.Mentions = called
	doc := markdown.Render(o.Card, opt)
	if doc.Text == "" {
		return nil, errEmpty()
	}
	fields := map[string]any{
		"msgtype":  "markdown",
		"markdown": map[string]any{"title": doc.Title, "text": doc.Text},
		"at":       map[string]any{"atUserIds": called, "isAtAll": false},
	}
	if o.Card.Plain {
		fields["msgtype"], fields["text"] = "text", map[string]any{"content": doc.Text}
		delete(fields, "markdown")
	}
	return []message{{fields: fields}}, nil
}

// drawWeCom draws markdown in as many messages as needed, up to three; what
// does not fit is counted in the last.
func drawWeCom(r *Robot, o bot.Outgoing) ([]message, error) {
	opt := r.options(o, markdown.WeCom)
	const room = weComLimit - 400 // the limit counts bytes of the text, as sent
	opt.Limit, opt.Size = weComParts, func(s string) int { return len(markdown.Split(s, room)) }
	doc := markdown.Render(o.Card, opt)
	if doc.Text == "" {
		return nil, errEmpty()
	}
	parts := markdown.Split(doc.Text, room)
	out := make([]message, len(parts))
	for i, text := range parts {
		if len(parts) > 1 {
			text = fmt.Sprintf("%s\n\n（%d/%d）", text, i+1, len(parts))
		}
		if i > 0 && r.o.Keyword != "" {
			text = r.o.Keyword + "\n" + text
		}
		out[i] = message{fields: map[string]any{"msgtype": "markdown", "markdown": map[string]any{"content": text}}}
	}
	return out, nil
}

func errEmpty() error {
	return fault.New(fault.Invalid, "there is nothing to say / 没有要说的内容")
}
