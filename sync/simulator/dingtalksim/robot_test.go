package dingtalksim

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

const robotPath = "/robot/send?access_token=tok"

// signed gives the path of a signed send.
func signed(at time.Time, secret string) string {
	return robotPath + "&" + url.Values{"timestamp": {millis(at)}, "sign": {signature(millis(at), secret)}}.Encode()
}

func TestRobotSecurity(t *testing.T) {
	t.Parallel()
	const secret = "SECexample"
	now := time.Date(2026, 3, 9, 10, 0, 0, 0, time.UTC)
	twice := robotPath + "&timestamp=" + millis(now) + "&sign=" + url.QueryEscape(url.QueryEscape(signature(millis(now), secret)))
	for _, c := range []struct {
		name    string
		options RobotOptions
		path    string
		errcode int
		errmsg  string
	}{
		{"open", RobotOptions{}, robotPath, 0, "ok"},
		{"unknown token", RobotOptions{}, "/robot/send?access_token=none", 300001, "token is not exist"},
		{"stopped", RobotOptions{Stopped: true}, robotPath, 400102, "机器人已停用"},
		{"signed", RobotOptions{Secret: secret}, signed(now, secret), 0, "ok"},
		{"unsigned", RobotOptions{Secret: secret}, robotPath, 310000, "invalid timestamp"},
		{"an hour ago", RobotOptions{Secret: secret}, signed(now.Add(-time.Hour), secret), 0, "ok"},
		{"over an hour ago", RobotOptions{Secret: secret}, signed(now.Add(-time.Hour-time.Second), secret), 310000, "invalid timestamp"},
		{"over an hour ahead", RobotOptions{Secret: secret}, signed(now.Add(time.Hour+time.Second), secret), 310000, "invalid timestamp"},
		{"other secret", RobotOptions{Secret: secret}, signed(now, "SECother"), 310000, "sign not match"},
		{"escaped twice", RobotOptions{Secret: secret}, twice, 310000, "sign not match"},
		{"new words", RobotOptions{Secret: secret, NewWords: true}, signed(now, "x"), 310000, "description:机器人发送签名不匹配;"},
		{"keyword", RobotOptions{Keywords: []string{"日报", "点名"}}, robotPath, 0, "ok"},
		{"no keyword", RobotOptions{Keywords: []string{"周报"}}, robotPath, 310000, "keywords not in content"},
		{"address", RobotOptions{IPs: []string{"10.0.0.1", "127.0.0.1"}}, robotPath, 0, "ok"},
		{"network", RobotOptions{IPs: []string{"127.0.0.0/8"}}, robotPath, 0, "ok"},
		{"other address", RobotOptions{IPs: []string{"10.0.0.0/8", "nonsense"}}, robotPath, 310000, "ip 127.0.0.1 not in whitelist"},
		{"all at once", RobotOptions{Secret: secret, Keywords: []string{"点名"}, IPs: []string{"127.0.0.1"}}, signed(now, secret), 0, "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.options.Conversation = openID
			b.AddRobot("tok", c.options)
			got := b.post(t, c.path, textBody("点名日报"))
			if got.status != 200 || got.errcode() != c.errcode || !strings.HasPrefix(got.text("errmsg"), c.errmsg) {
				t.Errorf("got %d %s", got.status, got.raw)
			}
			said := b.Messages(group)
			if c.errcode == 0 && (len(said) != 1 || said[0].Via != ViaRobot) || c.errcode != 0 && len(said) != 0 {
				t.Errorf("said %+v", said)
			}
		})
	}
}

func TestRobotContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.AddRobot("tok", RobotOptions{})
	for name, c := range map[string]struct {
		body    any
		errcode int
	}{
		"too long":       {textBody(strings.Repeat("x", 20001)), 460101},
		"empty markdown": {map[string]any{"msgtype": "markdown", "markdown": map[string]any{"title": "t", "text": ""}}, 400403},
		"unknown kind":   {map[string]any{"msgtype": "voice"}, 400105},
		"no JSON":        {"x", 40035},
	} {
		if got := b.post(t, robotPath, c.body); got.status != 200 || got.errcode() != c.errcode {
			t.Errorf("%s: %d %s", name, got.status, got.raw)
		}
	}
	r := b.request(t, "POST", robotPath, textBody("x"))
	r.Header.Del("Content-Type")
	if got := b.send(t, r); got.errcode() != 43004 {
		t.Errorf("no content type: %s", got.raw)
	}
	if said := b.Messages("tok"); len(said) != 0 {
		t.Errorf("said %+v", said)
	}
	if b.post(t, robotPath, textBody("好")); len(b.Messages("tok")) != 1 {
		t.Error("a robot without a conversation files under its token")
	}
	b.RemoveRobot("tok")
	if got := b.post(t, robotPath, textBody("好")); got.errcode() != 300001 {
		t.Errorf("removed robot: %s", got.raw)
	}
}

func TestRobotPace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.AddRobot("tok", RobotOptions{})
	send := func() int { return b.post(t, robotPath, textBody("x")).errcode() }
	for i := range 20 {
		b.clock.Add(time.Second)
		if got := send(); got != 0 {
			t.Fatalf("message %d: %d", i, got)
		}
	}
	if got := send(); got != 130101 {
		t.Fatalf("message 21: %d", got)
	}
	b.clock.Add(10*time.Minute - time.Millisecond)
	if got := send(); got != 130101 {
		t.Errorf("before the ten minutes are over: %d", got)
	}
	b.clock.Add(time.Millisecond)
	if got := send(); got != 0 {
		t.Errorf("after ten minutes: %d", got)
	}
	for range 40 { // 20 a minute, steadily, is allowed
		b.clock.Add(3 * time.Second)
		if got := send(); got != 0 {
			t.Fatalf("steady pace: %d", got)
		}
	}
	b.AddRobot("tok", RobotOptions{RateCode: 410100})
	for range 20 {
		send()
	}
	if got := send(); got != 410100 {
		t.Errorf("chosen code: %d", got)
	}
}

func TestRobotRepeatAndStyles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.AddRobot("tok", RobotOptions{TextErrcode: true})
	body := textBody("x")
	body["msgUuid"] = "digest-1"
	for range 2 {
		if got := b.post(t, robotPath, body); got.object["errcode"] != "0" || got.text("errmsg") != "ok" {
			t.Errorf("send: %s", got.raw)
		}
	}
	if said := b.Messages("tok"); len(said) != 1 {
		t.Errorf("a repeated msgUuid was said again: %+v", said)
	}
	b.SetQuota(Quota{Messages: 1})
	if got := b.post(t, robotPath, textBody("y")); got.errcode() != 88 || got.text("sub_code") != "90020" {
		t.Errorf("without quota: %s", got.raw)
	}
}

func TestListed(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"10.1.2.3": true, "::ffff:10.1.2.3": true, "10.2.0.1": false, "::1": false, "x": false, "192.168.0.9": true,
	} {
		if got := listed(host, []string{"10.1.0.0/16", "192.168.0.9", "::1"}); got != want {
			t.Errorf("listed(%s) = %v", host, got)
		}
	}
}
