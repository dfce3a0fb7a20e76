package dingtalkbot_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/dingtalkbot"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
)

// pressOf is the frame of a press by somebody of a corp.
func (w *world) pressOf(from string) *payload.DataFrame {
	return &payload.DataFrame{
		Headers: payload.DataFrameHeader{"messageId": "f1", "time": strconv.FormatInt(w.clock.now().UnixMilli(), 10)},
		Data: fmt.Sprintf(`{"type":"actionCallback","outTrackId":%q,"corpId":%q,"userId":"u2","userIdType":1,"spaceId":%q,"spaceType":"IM_GROUP",`+
			`"content":"{\"cardPrivateData\":{\"params\":{\"command\":\"批准 7K3MQ2 删除=3\"}}}"}`, w.bot.Track("letter-1", room), from, room),
	}
}

// A user id means somebody else in another corp: a press counts only when its corp
// is ours, and is not taken while ours is not known.
func TestAPressFromAnotherCorp(t *testing.T) {
	t.Parallel()
	for _, pinned := range []string{corp, ""} {
		w := setup(t, func(o *dingtalkbot.Options, _ *dingtalksim.Options) { o.CorpID, o.CardTemplate = pinned, "t.schema" })
		if m, err := w.bot.Pressed(w.pressOf(corp)); pinned == "" && err == nil {
			t.Errorf("a press is taken before the corp is known: %+v", m)
		}
		w.listen(1)
		w.say("状态", dingtalksim.SayOptions{})
		w.next()
		if m, err := w.bot.Pressed(w.pressOf(corp)); err != nil || m.Foreign || m.Press.Command != "批准 7K3MQ2 删除=3" {
			t.Errorf("corp %q: our own press is %+v, %v", pinned, m, err)
		}
		for _, from := range []string{"dingother", ""} {
			if m, err := w.bot.Pressed(w.pressOf(from)); err != nil || !m.Foreign {
				t.Errorf("corp %q: a press from %q is %+v, %v", pinned, from, m, err)
			}
		}
	}
}

// TestA41_SessionAddresses: answers go nowhere but to DingTalk.
func TestA41_SessionAddresses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, raw := range []string{
		"http://oapi.dingtalk.com/robot/sendBySession?session=x", "https://oapi.dingtalk.com.evil.example/robot/sendBySession?session=x",
		"https://oapi.dingtalk.com@evil.example/robot/sendBySession?session=x", "https://evil.example/robot/sendBySession?session=x",
		"https://oapi.dingtalk.com:8443/robot/sendBySession?session=x", "https://oapi.dingtalk.com/robot/send?session=x",
		"https://169.254.169.254/robot/sendBySession?session=x", "https://oapi.dingtalk.com/robot/sendBySession#session=x", "file:///etc/passwd",
	} {
		if address, ok := w.bot.SessionURL(raw); ok {
			t.Errorf("%s is taken as %s", raw, address)
		}
		o := out(info())
		o.Session = bot.Session{URL: raw, Expires: w.clock.now().Add(time.Hour)}
		if _, err := w.bot.Send(t.Context(), o, "k", ""); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if _, ok := w.bot.SessionURL("https://oapi.dingtalk.com/robot/sendBySession?session=x"); !ok {
		t.Error("the real one is refused")
	}
	for _, m := range w.Messages(room) {
		if m.Via != dingtalksim.ViaGroup {
			t.Errorf("%+v", m)
		}
	}
}

// FuzzPressed: whatever comes as a press makes no panic, and none that is not
// bound to its card and place is taken.
func FuzzPressed(f *testing.F) {
	b, err := dingtalkbot.New(dingtalkbot.Options{ClientID: "c", ClientSecret: "s", CorpID: corp, CardTemplate: "t.schema", Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	card := b.Track("k", room)
	f.Add(`{"outTrackId":"` + card + `","corpId":"dingsimcorp","userId":"u2","userIdType":1,"spaceId":"` + room + `","spaceType":"IM_GROUP","content":"{}"}`)
	f.Add(`{"outTrackId":"` + card + `","spaceId":"cidOTHER==","content":"{\"cardPrivateData\":{\"params\":{\"command\":1}}}"}`)
	f.Add(`{"outTrackId":"","spaceId":""}`)
	f.Add(`[`)
	f.Fuzz(func(t *testing.T, data string) {
		frame := &payload.DataFrame{Headers: payload.DataFrameHeader{"messageId": "f1", "time": "1"}, Data: data}
		m, err := b.Pressed(frame)
		if err == nil && (m.Press.Card != card || m.Chat != room) {
			t.Errorf("%q is taken: %+v", data, m)
		}
	})
}
