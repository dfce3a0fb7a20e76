package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
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
	draw    func(r *Robot, o bot.Outgoing, f form) ([]message, error)
	meaning func(a answer) *fault.Error // nil for a code that it does not know
}

// form is how a card is drawn.
type form struct {
	shrink int  // divides the room of a part
	words  bool // as text, not as what the platform is known to take
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
	weComLimit    = 4096 - 400 // bytes of the text itself
	// weComTextLimit is that of a text message, which is half.
	weComTextLimit = 2048 - 200
	// maxParts is in how many messages one card may come, so that a robot's pace
	// lets it through at once; what does not fit is counted in the last.
	maxParts    = 5
	maxMentions = 50
)

// parts draws a card as texts that fit into room, measured by size, each with
// its number when there are several.
func parts(o bot.Outgoing, opt markdown.Options, room int) (title string, texts []string) {
	size := opt.Size
	opt.Limit, opt.Size = maxParts, func(s string) int { return len(pieces(s, room, size)) }
	doc := markdown.Render(o.Card, opt)
	texts = pieces(doc.Text, room, size)
	for i := range texts {
		if len(texts) > 1 {
			texts[i] += "\n\n" + markdown.Number(o.Lang, i+1, len(texts))
		}
		if i > 0 && opt.Lead != "" {
			texts[i] = opt.Lead + "\n" + texts[i]
		}
	}
	return doc.Title, texts
}

// pieces cuts a text into parts whose size is at most room.
func pieces(text string, room int, size func(string) int) []string {
	for n := max(room, 1); ; n = max(n*9/10, 1) {
		out := markdown.Split(text, n)
		fits := true
		for _, piece := range out {
			fits = fits && size(piece) <= room
		}
		if fits || n == 1 {
			return out
		}
	}
}

// drawFeishu draws cards without buttons; a short answer is a text.
func drawFeishu(r *Robot, o bot.Outgoing, f form) ([]message, error) {
	if o.Card.Plain || f.words {
		opt := r.options(o, markdown.Text)
		opt.Mentions = nil
		_, texts := parts(o, opt, feishuLimit/f.shrink)
		return each(texts, feishuText), nil
	}
	title, texts := parts(o, r.options(o, markdown.Feishu), feishuLimit/f.shrink)
	if len(texts) == 0 {
		texts = []string{title} // a title alone
	}
	return each(texts, func(text string) map[string]any {
		return map[string]any{"msg_type": "interactive", "card": map[string]any{
			"schema": "2.0",
			"config": map[string]any{"summary": map[string]any{"content": title}},
			"header": map[string]any{
				"template": feishuColor(o.Card.Tone),
				"title":    map[string]any{"tag": "plain_text", "content": title},
			},
			"body": map[string]any{"elements": []any{map[string]any{"tag": "markdown", "content": text}}},
		}}
	}), nil
}

func feishuText(text string) map[string]any {
	return map[string]any{"msg_type": "text", "content": map[string]any{"text": text}}
}

// each makes a message of each text.
func each(texts []string, fields func(string) map[string]any) []message {
	out := make([]message, len(texts))
	for i, text := range texts {
		out[i] = message{fields: fields(text)}
	}
	return out
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

// drawDingTalk draws markdown, or a text. isAtAll is always false; people are
// called by the last part, where their names stand.
func drawDingTalk(r *Robot, o bot.Outgoing, f form) ([]message, error) {
	words := o.Card.Plain || f.words
	opt := r.options(o, markdown.DingTalk)
	if words {
		opt.Dialect = markdown.Text
	}
	called := []string{}
	for _, id := range opt.Mentions {
		if markdown.ID(id) && len(called) < maxMentions {
			called = append(called, id)
		}
	}
	opt.Mentions = called
	title, texts := parts(o, opt, dingTalkLimit/f.shrink)
	if len(texts) == 0 {
		return nil, errEmpty()
	}
	out := each(texts, func(s string) map[string]any {
		at := map[string]any{"atUserIds": []string{}, "isAtAll": false}
		if words {
			return map[string]any{"msgtype": "text", "text": map[string]any{"content": s}, "at": at}
		}
		return map[string]any{"msgtype": "markdown", "markdown": map[string]any{"title": title, "text": s}, "at": at}
	})
	out[len(out)-1].fields["at"] = map[string]any{"atUserIds": called, "isAtAll": false}
	return out, nil
}

// drawWeCom draws markdown, or a text; the limits count bytes of the text, as
// sent.
func drawWeCom(r *Robot, o bot.Outgoing, f form) ([]message, error) {
	opt, room, kind := r.options(o, markdown.WeCom), weComLimit, "markdown"
	if f.words {
		opt, room, kind = r.options(o, markdown.Text), weComTextLimit, "text"
		opt.Mentions = nil
	}
	opt.Size = func(s string) int { return len(s) }
	_, texts := parts(o, opt, room/f.shrink)
	if len(texts) == 0 {
		return nil, errEmpty()
	}
	return each(texts, func(s string) map[string]any {
		return map[string]any{"msgtype": kind, kind: map[string]any{"content": s}}
	}), nil
}

func errEmpty() error {
	return fault.New(fault.Invalid, "there is nothing to say / 没有要说的内容")
}
