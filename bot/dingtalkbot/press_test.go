package dingtalkbot_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

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
