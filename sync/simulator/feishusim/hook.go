package feishusim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HookOptions are the security settings of a custom group bot. All of them
// must be met; none set lets every message in.
type HookOptions struct {
	Secret   string   // ask for a signature
	Keywords []string // one of them must be in the message; at most 10
	IPs      []string // "1.2.3.4", "1.2.3.*" or "1.2.3.4/24"; at most 10
	Chat     string   // the group that the bot writes into; made when unknown
}

type hook struct {
	HookOptions
	key string
}

// The vendor's limits of a webhook body.
const (
	hookBody   = 20 << 10
	hookTooBig = 30 << 10
	hookSkew   = time.Hour
)

// AddHook makes a custom group bot. Its URL is {base}/open-apis/bot/v2/hook/{key}.
func (s *Sim) AddHook(key string, o HookOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Chat == "" {
		o.Chat = "oc_hook_" + key
	}
	if s.im.chats[o.Chat] == nil {
		s.im.chats[o.Chat] = &Chat{ID: o.Chat, Name: key, Type: "group", BotOut: true}
	}
	s.hooks[key] = &hook{HookOptions: o, key: key}
}

// HookSign gives the signature of a custom bot message: the key of the HMAC
// is timestamp, newline and secret, and the signed text is empty.
func HookSign(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(timestamp+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// hookLetter is the body of a webhook call.
type hookLetter struct {
	Timestamp json.RawMessage `json:"timestamp"`
	Sign      string          `json:"sign"`
	Type      string          `json:"msg_type"`
	Content   json.RawMessage `json:"content"`
	Card      json.RawMessage `json:"card"`
}

// serveHook takes a message for a group. The vendor answers HTTP 200 whatever
// happened: callers must judge by code.
func serveHook(c *call) (any, *refusal) {
	if no := c.hook(); no != nil {
		no.status = 200
		return nil, no
	}
	return flat{"StatusCode": 0, "StatusMessage": "success", "data": map[string]any{}}, nil
}

func (c *call) hook() *refusal {
	s := c.sim
	h := s.hooks[c.http.PathValue("key")]
	if h == nil {
		return refuse(19001, "param invalid: incoming webhook access token invalid")
	}
	if _, ok := s.allow("hook/"+h.key, perHook); !ok {
		return refuse(11232, "frequency limited psm")
	}
	var in hookLetter
	if no := c.hookBody(h, &in); no != nil {
		return no
	}
	kind, content, no := c.hookContent(in)
	if no != nil {
		return no
	}
	if len(h.Keywords) > 0 && !slices.ContainsFunc(h.Keywords, func(word string) bool {
		return strings.Contains(words(content), word)
	}) {
		return refuse(19024, "Key Words Not Found")
	}
	m := Message{ChatID: h.Chat, Type: kind, Content: content, SenderID: "hook:" + h.key, FromBot: true}
	if kind == "text" {
		m.Content, m.Mentions = s.readMentions(content)
	}
	kept := s.post(m)
	s.effect("hook.send", kept.ID, kind+" "+h.Chat)
	c.after = append(c.after, s.tell(kept))
	return nil
}

// hookBody checks size, origin, form and signature.
func (c *call) hookBody(h *hook, in *hookLetter) *refusal {
	switch {
	case len(c.body) > hookTooBig:
		return refuse(19036, "the message is larger than 30 KB")
	case len(c.body) > hookBody:
		return refuse(9499, "Bad Request: the body is larger than 20 KB")
	case len(h.IPs) > 0 && !slices.ContainsFunc(h.IPs, c.comesFrom):
		return refuse(19022, "Ip Not Allowed")
	}
	if no := c.decode(in); no != nil {
		return no
	}
	if h.Secret == "" {
		return nil
	}
	stamp := strings.Trim(string(in.Timestamp), `"`)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	skew := c.now.Sub(time.Unix(seconds, 0)).Abs()
	if err != nil || skew > hookSkew || !hmac.Equal([]byte(in.Sign), []byte(HookSign(stamp, h.Secret))) {
		return refuse(19021, "sign match fail or timestamp is not within one hour from current time")
	}
	return nil
}

// hookContent gives the message's kind and its content as the IM API spells it.
func (c *call) hookContent(in hookLetter) (kind, content string, no *refusal) {
	bad := refuse(19002, "params error, msg_type need")
	switch in.Type {
	case "":
		return "", "", bad
	case "text":
		if no := c.sim.checkContent("text", string(in.Content)); no != nil {
			return "", "", refuse(19002, "params error, text need")
		}
		return "text", string(in.Content), nil
	case "post":
		var post struct {
			Post json.RawMessage `json:"post"`
		}
		if json.Unmarshal(in.Content, &post) != nil || c.sim.checkContent("post", string(post.Post)) != nil {
			return "", "", refuse(19002, "params error, post need")
		}
		return "post", string(post.Post), nil
	case "interactive":
		if len(in.Card) == 0 {
			return "", "", refuse(19002, "params error, card need")
		}
		if _, problem := checkCard(in.Card); problem != nil {
			return "", "", problem.refusal()
		}
		return "interactive", string(in.Card), nil
	case "image", "share_chat":
		return in.Type, string(in.Content), nil
	default:
		return "", "", refuse(9499, "Bad Request: msg_type is unknown")
	}
}

// comesFrom tells whether the caller's address fits one allowed entry.
func (c *call) comesFrom(allowed string) bool {
	host, _, err := net.SplitHostPort(c.http.RemoteAddr)
	if err != nil {
		host = c.http.RemoteAddr
	}
	if head, ok := strings.CutSuffix(allowed, "*"); ok {
		return strings.HasPrefix(host, head)
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if prefix, err := netip.ParsePrefix(allowed); err == nil {
		return prefix.Masked().Contains(addr.Unmap())
	}
	return host == allowed
}

// words gives every text in a JSON value, so that escapes hide no keyword.
func words(content string) string {
	var v any
	if json.Unmarshal([]byte(content), &v) != nil {
		return content
	}
	var b strings.Builder
	var walk func(any)
	walk = func(v any) {
		switch t := v.(type) {
		case string:
			b.WriteString(t + "\n")
		case []any:
			for _, child := range t {
				walk(child)
			}
		case map[string]any:
			for _, child := range t {
				walk(child)
			}
		}
	}
	walk(v)
	return b.String()
}
