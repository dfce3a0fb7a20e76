package dingtalkbot

import (
	"net/url"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/bot"
)

const (
	sessionHost = "oapi.dingtalk.com"
	sessionPath = "/robot/sendBySession"
	// sessionSlack: a session that ends within it counts as over.
	sessionSlack = time.Minute
)

// sessionURL checks the address for answers that a message brings along, and
// gives it in a form that everybody reads alike. Messages by callback are
// unsigned, so the address may be anybody's: only the platform's own host by
// TLS is accepted, or exactly that of OAPIURL, without user, port or fragment.
func (b *Bot) sessionURL(raw string) (string, bool) {
	if raw == "" || strings.ContainsAny(raw, "\\ \t\r\n") {
		return "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil || strings.Contains(raw, "#") {
		return "", false
	}
	vendors := u.Scheme == "https" && u.Host == sessionHost
	configured := u.Scheme == b.oapi.Scheme && u.Host == b.oapi.Host
	if !vendors && !configured || u.EscapedPath() != sessionPath {
		return "", false
	}
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil || q.Get("session") == "" {
		return "", false
	}
	return u.Scheme + "://" + u.Host + sessionPath + "?" + q.Encode(), true
}

// usable gives the address of a session that is not over. It is checked again:
// it has been in the record meanwhile.
func (b *Bot) usable(s bot.Session) (string, bool) {
	if !b.o.Now().Before(s.Expires.Add(-sessionSlack)) {
		return "", false
	}
	return b.sessionURL(s.URL)
}
