package dingtalksim

import (
	"errors"
	"net/url"
	"testing"
)

func TestDTMD(t *testing.T) {
	t.Parallel()
	for link, want := range map[string]string{
		"dtmd://dingtalkclient/sendMessage?content=" + url.QueryEscape("批准 7K3MQ2 删除=3"): "批准 7K3MQ2 删除=3",
		"dtmd://dingtalkclient/sendMessage?content=%E6%89%B9%E5%87%86%207K3MQ2":          "批准 7K3MQ2",
		"dtmd://dingtalkClient/sendMessage?content=x":                                    "", // the client ignores it
		"dtmd://dingtalkclient/sendMessage?content=":                                     "",
		"dtmd://dingtalkclient/sendMessage?content=%zz":                                  "",
		"dtmd://dingtalkclient/sendmessage?content=x":                                    "",
		"https://dingtalkclient/sendMessage?content=x":                                   "",
		"dingtalk://dingtalkclient/page/link?url=x":                                      "",
		"://": "",
	} {
		if got, isCommand := DTMD(link); got != want || isCommand != (want != "") {
			t.Errorf("DTMD(%q) = %q, %v", link, got, isCommand)
		}
	}
}

func TestPress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	frames := b.listen(t)
	b.say(t, "状态", SayOptions{})
	hook := dataOf(t, <-frames).text("sessionWebhook")
	b.post(t, hook, map[string]any{"msgtype": "actionCard", "actionCard": map[string]any{
		"title": "待批准 7K3MQ2", "text": "删除 3", "btns": []map[string]string{
			{"title": "批准", "actionURL": "dtmd://dingtalkclient/sendMessage?content=" + url.QueryEscape("批准 7K3MQ2 删除=3")},
			{"title": "查看", "actionURL": "https://127.0.0.1/runs/7K3MQ2"},
		},
	}})
	m := b.Messages(group)[0]
	if _, err := b.Press(t.Context(), m, 0, "li"); err != nil {
		t.Fatal(err)
	}
	o := dataOf(t, <-frames)
	if o.child("text").text("content") != " 批准 7K3MQ2 删除=3" || o.text("senderStaffId") != "li" || !o.yes("isInAtList") {
		t.Errorf("said %v", o)
	}
	for _, button := range []int{-1, 1, 2} {
		if _, err := b.Press(t.Context(), m, button, "li"); !errors.Is(err, ErrUnknown) {
			t.Errorf("button %d: %v", button, err)
		}
	}
	if _, err := b.Press(t.Context(), m, 0, "chen"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a stranger pressed: %v", err)
	}
	m.Recalled = true
	if _, err := b.Press(t.Context(), m, 0, "li"); !errors.Is(err, ErrUnknown) {
		t.Errorf("a recalled message was pressed: %v", err)
	}
}
