package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/webhook"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
	"github.com/rollcallhq/rollcall/sync/simulator/wecomsim"
)

const canary = "SECcanary-of-the-url"

type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 11, 25, 9, 7, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// path gives where a robot of a platform is, with a key.
func path(p run.Platform, key string) string {
	switch p {
	case run.Feishu:
		return "/open-apis/bot/v2/hook/" + key
	case run.DingTalk:
		return "/robot/send?access_token=" + key
	default:
		return "/cgi-bin/webhook/send?key=" + key
	}
}

// robot makes a robot that is served by h.
func robot(t *testing.T, c *clock, h http.Handler, o webhook.Options) *webhook.Robot {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	o.Name, o.URL, o.Now, o.HTTPClient = "ops", server.URL+path(o.Type, canary), c.now, server.Client()
	o.AllowHosts = []string{strings.TrimPrefix(server.URL, "http://")}
	r, err := webhook.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func digest() bot.Outgoing {
	return bot.Outgoing{
		Platform: run.Feishu, Lang: bot.ZH,
		Card: bot.Card{
			Title: "日报 7K3MQ2", Tone: bot.Warn,
			Sections: []bot.Section{{Title: "等你处理", Bullet: true, Lines: []bot.Line{{{Text: "hr-to-wecom 删除 "}, {Text: "3", Bold: true}}}}},
			Buttons:  []bot.Button{{Label: "详情", Command: "详情 7K3MQ2"}},
			Foot:     "7K3MQ2",
		},
	}
}

func TestSignVectors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ stamp, secret, feishu, dingtalk string }{
		{"100", "demo", "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg=", "Al3fIG80paFjFaF1GYFq01nD+HwK+W12x7pPHOz3pJo="},
		{"1599360473", "SEC-test", "eHlUm3DFUZb2lFl34AKGius3AWMhNe83y5LY8KVthOw=", "BXfaa2CJBdWBJXoY6siZEYf2F2yi7iOnBJ8kOeVBmM8="},
		{"1700000000", "demo", "8oT2n3SMKFfEnDoiwer8BUM/SjKLwe9SqoEIHlhDTKo=", "Jo+BcIpYOGJCAvpJ++qSw87Rqhi9JUu1uVQKqanKycY="},
		{"1577262236757", "this is a secret", "", "DJrE6qdyVGCQz9z5r2MDuNcNAhwYnuAkyj13cx169CA="},
		{"1700000000002", "SECexample", "", "YT7/FZACkFUlBiZXsLLxEy2viBHwqjxxCGDe+4v2PGc="},
	} {
		if got := webhook.FeishuSign(tt.stamp, tt.secret); tt.feishu != "" && got != tt.feishu {
			t.Errorf("Feishu %s: %s", tt.stamp, got)
		}
		if got := webhook.DingTalkSign(tt.stamp, tt.secret); got != tt.dingtalk {
			t.Errorf("DingTalk %s: %s", tt.stamp, got)
		}
	}
}

func TestFeishu(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		hook feishusim.HookOptions
		o    webhook.Options
		kind fault.Kind
	}{
		"signature":     {feishusim.HookOptions{Secret: "s3"}, webhook.Options{Secret: "s3"}, ""},
		"keyword":       {feishusim.HookOptions{Keywords: []string{"点名"}}, webhook.Options{Keyword: "点名"}, ""},
		"odd keyword":   {feishusim.HookOptions{Keywords: []string{"*[ops]*"}}, webhook.Options{Keyword: "*[ops]*"}, ""},
		"IP list":       {feishusim.HookOptions{IPs: []string{"127.0.0.*"}}, webhook.Options{}, ""},
		"both":          {feishusim.HookOptions{Secret: "s3", Keywords: []string{"点名"}}, webhook.Options{Secret: "s3", Keyword: "点名"}, ""},
		"wrong secret":  {feishusim.HookOptions{Secret: "s3"}, webhook.Options{Secret: "s4"}, fault.Credential},
		"no secret":     {feishusim.HookOptions{Secret: "s3"}, webhook.Options{}, fault.Credential},
		"no keyword":    {feishusim.HookOptions{Keywords: []string{"值班"}}, webhook.Options{Keyword: "点名"}, fault.Credential},
		"other address": {feishusim.HookOptions{IPs: []string{"10.0.0.1"}}, webhook.Options{}, fault.Credential},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			s := feishusim.New(feishusim.Options{Now: c.now})
			tt.hook.Chat = "oc_ops"
			s.AddHook(canary, tt.hook)
			tt.o.Type = run.Feishu
			r := robot(t, c, s.Handler(), tt.o)
			for _, plain := range []bool{false, true} {
				o := digest()
				o.Card.Plain = plain
				if err := r.Send(t.Context(), o); fault.KindOf(err) != tt.kind {
					t.Errorf("plain %v: %v", plain, err)
				}
			}
			if got := s.Messages("oc_ops"); tt.kind == "" && (len(got) != 2 || got[0].Type != "interactive" || got[1].Type != "text") {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestFeishuCardRefused: words go through where a card does not.
func TestFeishuCardRefused(t *testing.T) {
	t.Parallel()
	var kinds []string
	r := robot(t, newClock(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Type string `json:"msg_type"`
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		kinds = append(kinds, in.Type)
		code := 0
		if in.Type == "interactive" {
			code = 230099
		}
		_, _ = fmt.Fprintf(w, `{"code":%d,"msg":"x"}`, code)
	}), webhook.Options{Type: run.Feishu})
	if err := r.Send(t.Context(), digest()); err != nil || fmt.Sprint(kinds) != "[interactive text]" {
		t.Errorf("%v %v", err, kinds)
	}
}

func TestDingTalk(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		robot dingtalksim.RobotOptions
		o     webhook.Options
		kind  fault.Kind
		says  string
	}{
		"signature":       {dingtalksim.RobotOptions{Secret: "SECs"}, webhook.Options{Secret: "SECs"}, "", ""},
		"keyword":         {dingtalksim.RobotOptions{Keywords: []string{"点名"}}, webhook.Options{Keyword: "点名"}, "", ""},
		"text errcode":    {dingtalksim.RobotOptions{TextErrcode: true}, webhook.Options{}, "", ""},
		"wrong secret":    {dingtalksim.RobotOptions{Secret: "SECs"}, webhook.Options{Secret: "x"}, fault.Credential, "secret"},
		"no secret":       {dingtalksim.RobotOptions{Secret: "SECs", NewWords: true}, webhook.Options{}, fault.Credential, "时间"},
		"wrong, new":      {dingtalksim.RobotOptions{Secret: "SECs", NewWords: true}, webhook.Options{Secret: "x"}, fault.Credential, "secret"},
		"no keyword":      {dingtalksim.RobotOptions{Keywords: []string{"点名"}}, webhook.Options{}, fault.Credential, "keyword"},
		"no keyword, new": {dingtalksim.RobotOptions{Keywords: []string{"点名"}, NewWords: true}, webhook.Options{}, fault.Credential, "keyword"},
		"IP":              {dingtalksim.RobotOptions{IPs: []string{"10.0.0.1"}}, webhook.Options{}, fault.Credential, "IP"},
		"IP, new":         {dingtalksim.RobotOptions{IPs: []string{"10.0.0.1"}, NewWords: true}, webhook.Options{}, fault.Credential, "IP"},
		"stopped":         {dingtalksim.RobotOptions{Stopped: true}, webhook.Options{}, fault.Denied, "停用"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			s := dingtalksim.New(dingtalksim.Options{Now: c.now})
			s.AddRobot(canary, tt.robot)
			tt.o.Type = run.DingTalk
			r := robot(t, c, s.Handler(), tt.o)
			for _, plain := range []bool{false, true} {
				o := digest()
				o.Card.Plain, o.Platform, o.Mention = plain, run.DingTalk, []string{"u1", "not an id"}
				err := r.Send(t.Context(), o)
				if fault.KindOf(err) != tt.kind || err != nil && !strings.Contains(fault.Say(err), tt.says) {
					t.Errorf("plain %v: %v", plain, err)
				}
			}
			if got := s.Messages(canary); tt.kind == "" && (len(got) != 2 || len(got[0].Mentioned) != 1 || got[0].AtAll || got[1].Kind != "text") {
				t.Errorf("%+v", got)
			}
			for _, complaint := range s.Complaints() {
				t.Error(complaint)
			}
		})
	}
}

// TestDingTalkURLStaysShort: time and signature are put into the address anew.
func TestDingTalkURLStaysShort(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := dingtalksim.New(dingtalksim.Options{Now: c.now})
	s.AddRobot(canary, dingtalksim.RobotOptions{Secret: "SECs"})
	r := robot(t, c, s.Handler(), webhook.Options{Type: run.DingTalk, Secret: "SECs"})
	for i := range 5 {
		c.advance(time.Minute)
		o := digest()
		o.Card.Foot = fmt.Sprint(i)
		if err := r.Send(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for _, call := range s.Calls() {
		if len(call.Query) != 3 || len(call.Query["sign"]) != 1 || len(call.Query["timestamp"]) != 1 {
			t.Errorf("%v", call.Query)
		}
	}
}

// TestDingTalkOnce: after a lost answer the same message has the same key.
func TestDingTalkOnce(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := dingtalksim.New(dingtalksim.Options{Now: c.now})
	s.AddRobot(canary, dingtalksim.RobotOptions{})
	r := robot(t, c, s.Handler(), webhook.Options{Type: run.DingTalk})
	s.Inject(dingtalksim.Fault{Path: "/robot/send", Drop: true, Late: true})
	if err := r.Send(t.Context(), digest()); fault.KindOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Send(t.Context(), digest()); err != nil {
			t.Fatal(err)
		}
	}
	// One of the first two, and the third, which was a new message.
	if got := len(s.Messages(canary)); got != 2 {
		t.Errorf("%d said", got)
	}
}

func TestWeCom(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := wecomsim.New(wecomsim.Options{Now: c.now})
	s.AddRobot(canary)
	r := robot(t, c, s.Handler(), webhook.Options{Type: run.WeCom})
	o := digest()
	o.Platform, o.Mention = run.WeCom, []string{"lisi"}
	if err := r.Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	got := s.RobotMessages(canary)
	if len(got) != 1 || got[0].Type != "markdown" || !strings.Contains(got[0].Content, "<@lisi>") || !strings.Contains(got[0].Content, "`详情 7K3MQ2`") {
		t.Errorf("%+v", got)
	}
	s.DisableRobot(canary, true)
	if err := r.Send(t.Context(), o); fault.KindOf(err) != fault.Denied {
		t.Error(err)
	}
	s.RemoveRobot(canary)
	if err := r.Send(t.Context(), o); fault.KindOf(err) != fault.Credential {
		t.Error(err)
	}
}

// TestWeComSplits: a long digest comes in parts of at most 4096 bytes, whole
// characters, and says what does not fit into five.
func TestWeComSplits(t *testing.T) {
	t.Parallel()
	for _, lines := range []int{10, 100, 1000} {
		c := newClock()
		s := wecomsim.New(wecomsim.Options{Now: c.now})
		s.AddRobot(canary)
		r := robot(t, c, s.Handler(), webhook.Options{Type: run.WeCom})
		o := digest()
		for i := range lines {
			o.Card.Sections[0].Lines = append(o.Card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("第 %d 人：王磊（华东销售部）", i)}})
		}
		if err := r.Send(t.Context(), o); err != nil {
			t.Fatal(lines, err)
		}
		got, all := s.RobotMessages(canary), ""
		for _, m := range got {
			all += m.Content
			if len(m.Content) > 4096 || strings.ContainsRune(m.Content, '\ufffd') {
				t.Errorf("%d lines: %d bytes", lines, len(m.Content))
			}
		}
		missing := strings.Contains(all, "…还有 ")
		if missing != (lines == 1000) || len(got) > 5 || (lines == 10) != (len(got) == 1) || !strings.Contains(all, "详情 7K3MQ2") {
			t.Errorf("%d lines: %d parts, missing %v", lines, len(got), missing)
		}
	}
}

// TestWeComGoesOn: a message that broke off goes on with the part that failed.
func TestWeComGoesOn(t *testing.T) {
	t.Parallel()
	var bodies []string
	r := robot(t, newClock(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Markdown struct{ Content string }
		}
		_ = json.NewDecoder(r.Body).Decode(&in)
		bodies = append(bodies, in.Markdown.Content)
		if len(bodies) == 2 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(`{"errcode":0,"errmsg":"ok"}`))
	}), webhook.Options{Type: run.WeCom})
	o := digest()
	for i := range 200 {
		o.Card.Sections[0].Lines = append(o.Card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("第 %d 人：王磊（华东销售部）", i)}})
	}
	if err := r.Send(t.Context(), o); fault.KindOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
	if err := r.Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 4 || bodies[1] != bodies[2] || bodies[0] == bodies[2] {
		t.Errorf("%d posts", len(bodies))
	}
}

func TestPace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		platform run.Platform
		n        int
		within   time.Duration
	}{{run.Feishu, 4, time.Second}, {run.DingTalk, 18, time.Minute}, {run.WeCom, 18, time.Minute}} {
		c, calls := newClock(), 0
		r := robot(t, c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			_, _ = w.Write([]byte(`{"code":0,"errcode":0}`))
		}), webhook.Options{Type: tt.platform})
		for range tt.n {
			if err := r.Send(t.Context(), digest()); err != nil {
				t.Fatal(tt.platform, err)
			}
		}
		err := r.Send(t.Context(), digest())
		if fault.KindOf(err) != fault.Limited || fault.After(err) != tt.within || calls != tt.n {
			t.Errorf("%s: %v after %s, %d calls", tt.platform, err, fault.After(err), calls)
		}
		c.advance(fault.After(err))
		if err := r.Send(t.Context(), digest()); err != nil {
			t.Errorf("%s: %v", tt.platform, err)
		}
	}
}

// TestPaceAgainstThePlatforms: for ten minutes of as much as we let through,
// no platform has anything to say against it.
func TestPaceAgainstThePlatforms(t *testing.T) {
	t.Parallel()
	c := newClock()
	f := feishusim.New(feishusim.Options{Now: c.now})
	f.AddHook(canary, feishusim.HookOptions{})
	d := dingtalksim.New(dingtalksim.Options{Now: c.now})
	d.AddRobot(canary, dingtalksim.RobotOptions{})
	w := wecomsim.New(wecomsim.Options{Now: c.now})
	w.AddRobot(canary)
	robots := []*webhook.Robot{
		robot(t, c, f.Handler(), webhook.Options{Type: run.Feishu}),
		robot(t, c, d.Handler(), webhook.Options{Type: run.DingTalk}),
		robot(t, c, w.Handler(), webhook.Options{Type: run.WeCom}),
	}
	sent := make([]int, len(robots))
	for range 600 {
		for i, r := range robots {
			err := r.Send(t.Context(), digest())
			if err == nil {
				sent[i]++
			} else if f, ok := err.(*fault.Error); !ok || f.Kind != fault.Limited || f.Code != "" { //nolint:errorlint // the platform's own refusal has a code
				t.Fatal(r.Platform(), err)
			}
		}
		c.advance(time.Second)
	}
	for i, least := range []int{590, 170, 170} {
		if sent[i] < least {
			t.Errorf("%s: only %d", robots[i].Platform(), sent[i])
		}
	}
}

// TestPlatformsPenalty: what the platform wants is kept for all messages.
func TestPlatformsPenalty(t *testing.T) {
	t.Parallel()
	c, calls := newClock(), 0
	r := robot(t, c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		_, _ = w.Write([]byte(`{"errcode":130101,"errmsg":"send too fast"}`))
	}), webhook.Options{Type: run.DingTalk})
	for range 3 {
		if err := r.Send(t.Context(), digest()); fault.KindOf(err) != fault.Limited || fault.After(err) != 10*time.Minute {
			t.Error(err)
		}
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		platform run.Platform
		status   int
		body     string
		kind     fault.Kind
		after    time.Duration
	}{
		{run.Feishu, 200, `{"StatusCode":0}`, "", 0},
		{run.Feishu, 200, `{"code":19001}`, fault.Credential, 0},
		{run.Feishu, 200, `{"code":11232}`, fault.Limited, 5 * time.Second},
		{run.Feishu, 400, `{"code":99991400}`, fault.Limited, 5 * time.Second},
		{run.Feishu, 200, `{"code":9499,"msg":"Too Many Requests"}`, fault.Limited, time.Minute},
		{run.Feishu, 200, `{"code":9499,"msg":"Bad Request"}`, fault.Invalid, 0},
		{run.Feishu, 200, `{"code":19036}`, fault.Invalid, 0},
		{run.Feishu, 200, `{"code":77777}`, fault.Invalid, 0},
		{run.DingTalk, 200, `{"errcode":300001}`, fault.Credential, 0},
		{run.DingTalk, 200, `{"errcode":"410100"}`, fault.Limited, 10 * time.Minute},
		{run.DingTalk, 200, `{"errcode":400013}`, fault.NotFound, 0},
		{run.DingTalk, 200, `{"errcode":400106}`, fault.Denied, 0},
		{run.DingTalk, 200, `{"errcode":430103}`, fault.Denied, 0},
		{run.DingTalk, 200, `{"errcode":460101}`, fault.Invalid, 0},
		{run.DingTalk, 200, `{"errcode":-1}`, fault.Unavailable, 0},
		{run.DingTalk, 200, `{"errcode":88,"sub_code":"90020"}`, fault.Denied, 0},
		{run.DingTalk, 200, `{"errcode":90018}`, fault.Limited, 2 * time.Second},
		{run.DingTalk, 200, `{"errcode":90005}`, fault.Denied, 0},
		{run.DingTalk, 200, `{"errcode":302033}`, fault.Invalid, 0},
		{run.WeCom, 200, `{"errcode":93000}`, fault.Credential, 0},
		{run.WeCom, 200, `{"errcode":93008}`, fault.Denied, 0},
		{run.WeCom, 200, `{"errcode":45009}`, fault.Limited, time.Minute},
		{run.WeCom, 200, `{"errcode":45033}`, fault.Limited, time.Second},
		{run.WeCom, 200, `{"errcode":-1}`, fault.Unavailable, 0},
		{run.WeCom, 200, `{"errcode":40058}`, fault.Invalid, 0},
		{run.WeCom, 502, `<html>`, fault.Unavailable, 0},
		{run.WeCom, 404, `<html>`, fault.Credential, 0},
		{run.WeCom, 200, `<html>`, fault.Unavailable, 0},
		{run.WeCom, 429, ``, fault.Limited, 7 * time.Second},
		{run.WeCom, 200, `{"errcode":"x"}`, fault.Unavailable, 0},
	} {
		r := robot(t, newClock(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			if tt.status != http.StatusTooManyRequests {
				w.Header().Del("Retry-After")
			}
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(strings.Replace(tt.body, "}", `,"x":"canary"}`, 1)))
		}), webhook.Options{Type: tt.platform})
		err := r.Send(t.Context(), digest())
		if fault.KindOf(err) != tt.kind || fault.After(err) != tt.after {
			t.Errorf("%s %d %s: %v", tt.platform, tt.status, tt.body, err)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "{robot}") || !strings.Contains(fault.Say(err), " / ")) {
			t.Errorf("%s %s: %v", tt.platform, tt.body, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	const good = "https://oapi.dingtalk.com/robot/send?access_token=" + canary
	for name, o := range map[string]webhook.Options{
		"no type":       {URL: good},
		"odd type":      {Type: "slack", URL: good},
		"no URL":        {Type: run.DingTalk},
		"no TLS":        {Type: run.DingTalk, URL: strings.Replace(good, "https", "http", 1)},
		"allowed http":  {Type: run.DingTalk, URL: "http://hooks.example/robot/send?access_token=x", AllowHosts: []string{"hooks.example"}},
		"other host":    {Type: run.DingTalk, URL: "https://evil.example/robot/send?access_token=x"},
		"other's host":  {Type: run.Feishu, URL: good},
		"suffix":        {Type: run.DingTalk, URL: "https://oapi.dingtalk.com.evil/robot/send?access_token=x"},
		"user":          {Type: run.DingTalk, URL: "https://oapi.dingtalk.com@127.0.0.1/robot/send?access_token=x"},
		"port":          {Type: run.DingTalk, URL: "https://oapi.dingtalk.com:8443/robot/send?access_token=x"},
		"fragment":      {Type: run.DingTalk, URL: good + "#x"},
		"no token":      {Type: run.DingTalk, URL: "https://oapi.dingtalk.com/robot/send"},
		"no key":        {Type: run.Feishu, URL: "https://open.feishu.cn/open-apis/bot/v2/hook/"},
		"Feishu path":   {Type: run.Feishu, URL: "https://open.feishu.cn/open-apis/bot/v2/hook/a/b"},
		"WeCom secret":  {Type: run.WeCom, URL: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=x", Secret: "s"},
		"blank keyword": {Type: run.DingTalk, URL: good, Keyword: " x"},
	} {
		o.Now = time.Now
		_, err := webhook.New(o)
		if fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := webhook.Options{Name: "ops", Type: run.DingTalk, URL: good, Secret: canary, Now: time.Now}
	if _, err := webhook.New(o); err != nil {
		t.Error(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, o); strings.Contains(text, canary) {
			t.Errorf("%s: %s", verb, text)
		}
	}
}

// TestUnreachable: an error never holds the address; redirects are not followed
// and answers are capped.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	hits := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	defer other.Close()
	for name, h := range map[string]http.HandlerFunc{
		"cut": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
	} {
		r := robot(t, newClock(), h, webhook.Options{Type: run.DingTalk, Secret: "SECs"})
		err := r.Send(t.Context(), digest())
		if err == nil || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "sign=") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if hits != 0 {
		t.Error("a redirect was followed")
	}
	r := robot(t, newClock(), http.NotFoundHandler(), webhook.Options{Type: run.DingTalk})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := r.Send(ctx, digest()); fault.KindOf(err) != fault.Unavailable || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := dingtalksim.New(dingtalksim.Options{Now: c.now})
	s.AddRobot(canary, dingtalksim.RobotOptions{})
	r := robot(t, c, s.Handler(), webhook.Options{Type: run.DingTalk})
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			o := digest()
			o.Card.Foot = fmt.Sprint(i)
			if err := r.Send(t.Context(), o); err != nil && fault.KindOf(err) != fault.Limited {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := len(s.Messages(canary)); got != 18 {
		t.Errorf("%d said", got)
	}
}

func TestMentionsOnlyAtHome(t *testing.T) {
	t.Parallel()
	c := newClock()
	s := dingtalksim.New(dingtalksim.Options{Now: c.now})
	s.AddRobot(canary, dingtalksim.RobotOptions{})
	r := robot(t, c, s.Handler(), webhook.Options{Type: run.DingTalk})
	o := digest()
	o.Mention = []string{"ou_limin"} // Feishu's
	if err := r.Send(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := s.Messages(canary)[0]; len(got.At) != 0 || strings.Contains(got.Text, "ou_limin") {
		t.Errorf("%+v", got)
	}
}

// TestLadder: a form that is refused is said as text, what is too long in shorter
// parts, and nothing of it is lost.
func TestLadder(t *testing.T) {
	t.Parallel()
	for _, platform := range []run.Platform{run.Feishu, run.DingTalk, run.WeCom} {
		for name, refusal := range map[string]string{
			"form":   `{"code":9499,"errcode":400105,"msg":"Bad Request"}`,
			"length": map[run.Platform]string{run.Feishu: `{"code":19036}`, run.DingTalk: `{"errcode":460101}`, run.WeCom: `{"errcode":45002}`}[platform],
		} {
			var kinds []string
			words, first := "", true
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				raw, _ := io.ReadAll(r.Body)
				if first {
					first = false
					_, _ = io.WriteString(w, refusal)
					return
				}
				var in struct {
					Type  string `json:"msgtype"`
					Other string `json:"msg_type"`
				}
				_ = json.Unmarshal(raw, &in)
				kinds = append(kinds, in.Type+in.Other)
				words += string(raw)
				_, _ = io.WriteString(w, `{"code":0,"errcode":0}`)
			})
			r := robot(t, newClock(), h, webhook.Options{Type: platform})
			o := digest()
			for i := range 60 {
				o.Card.Sections[0].Lines = append(o.Card.Sections[0].Lines, bot.Line{{Text: fmt.Sprintf("第 %d. 人：王磊（华东销售部）", i)}})
			}
			if err := r.Send(t.Context(), o); err != nil {
				t.Fatalf("%s, %s: %v", platform, name, err)
			}
			if lesser := kinds[0] == "text"; lesser != (name == "form") {
				t.Errorf("%s, %s: %v", platform, name, kinds)
			}
			for i := range 60 {
				if !strings.Contains(words, fmt.Sprintf("第 %d. 人", i)) {
					t.Fatalf("%s, %s: line %d is lost", platform, name, i)
				}
			}
		}
	}
}

// TestNothingIsTaken: a robot whose platform refuses everything gives up.
func TestNothingIsTaken(t *testing.T) {
	t.Parallel()
	for code, most := range map[int]int{460101: 3, 400105: 2} {
		calls := 0
		r := robot(t, newClock(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			calls++
			_, _ = fmt.Fprintf(w, `{"errcode":%d}`, code)
		}), webhook.Options{Type: run.DingTalk})
		if err := r.Send(t.Context(), digest()); fault.KindOf(err) != fault.Invalid || calls != most {
			t.Errorf("%d: %v after %d calls", code, err, calls)
		}
	}
}

func TestPacesThatAreTold(t *testing.T) {
	t.Parallel()
	for platform, want := range map[run.Platform]int{run.Feishu: 2, run.DingTalk: 1, run.WeCom: 1} {
		r := robot(t, newClock(), http.NotFoundHandler(), webhook.Options{Type: platform})
		list := r.Pace(bot.Outgoing{})
		if len(list) != want || list[0].Scope != bot.PaceApp || list[0].Per != time.Minute || list[0].N > 100 || platform != run.Feishu && list[0].N > 20 {
			t.Errorf("%s: %+v", platform, list)
		}
	}
}
