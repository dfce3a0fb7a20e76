package dingtalksim

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const (
	cardPath    = "/v1.0/card/instances"
	deliverPath = "/v1.0/card/instances/createAndDeliver"
)

func groupCard(id string) map[string]any {
	return map[string]any{
		"cardTemplateId": "approval.schema", "outTrackId": id, "callbackType": "STREAM", "userIdType": 1,
		"cardData":                map[string]any{"cardParamMap": map[string]any{"title": "待批准", "status": "pending"}},
		"openSpaceId":             "dtv1.card//IM_GROUP." + openID,
		"imGroupOpenSpaceModel":   map[string]any{"supportForward": false},
		"imGroupOpenDeliverModel": map[string]any{"robotCode": "dingsimclient"},
	}
}

func TestCardCreateAndDeliver(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(map[string]any)
		status  int
		code    string
		deliver bool
	}{
		{"good", func(map[string]any) {}, 200, "", true},
		{"unpublished template", func(m map[string]any) { m["cardTemplateId"] = "other.schema" }, 400, "param.templateNotExist", false},
		{"draft template", func(m map[string]any) { m["cardTemplateId"] = "draft.schema" }, 400, "param.templateUnpublished", false},
		{"no id", func(m map[string]any) { delete(m, "outTrackId") }, 400, "param.error", false},
		{"number in the data", func(m map[string]any) {
			m["cardData"] = map[string]any{"cardParamMap": map[string]any{"n": 3}}
		}, 400, "param.error", false},
		{"long value", func(m map[string]any) {
			m["cardData"] = map[string]any{"cardParamMap": map[string]any{"n": strings.Repeat("x", 1025)}}
		}, 400, "param.error", false},
		{"long key", func(m map[string]any) {
			m["cardData"] = map[string]any{"cardParamMap": map[string]any{strings.Repeat("x", 101): "v"}}
		}, 400, "param.error", false},
		{"malformed space", func(m map[string]any) { m["openSpaceId"] = openID }, 400, "param.error", false},
		{"unknown space", func(m map[string]any) { m["openSpaceId"] = "dtv1.card//IM_GROUP.none" }, 200, "", false},
		{"other robot", func(m map[string]any) {
			m["imGroupOpenDeliverModel"] = map[string]any{"robotCode": "other"}
		}, 200, "", false},
		{"no space model", func(m map[string]any) { delete(m, "imGroupOpenSpaceModel") }, 200, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.AddTemplate("approval.schema")
			b.AddDraft("draft.schema")
			body := groupCard("run-1")
			c.change(body)
			got := b.call(t, http.MethodPost, deliverPath, body)
			if got.status != c.status || got.text("code") != c.code {
				t.Fatalf("got %d %s", got.status, got.raw)
			}
			results := got.child("result").list("deliverResults")
			if c.status == 200 && (len(results) != 1 || results[0].yes("success") != c.deliver ||
				(results[0].text("errorMsg") == "") != c.deliver) {
				t.Errorf("results: %s", got.raw)
			}
			said := b.Messages(group)
			if (len(said) == 1) != c.deliver {
				t.Errorf("said %+v", said)
			}
			if c.deliver && (said[0].Via != ViaCard || said[0].ID != "run-1" || said[0].Params["title"] != "待批准") {
				t.Errorf("said %+v", said[0])
			}
		})
	}
}

func TestCardPermissionAndRepeat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.SetPermission(ScopeCard, false)
	got := b.call(t, http.MethodPost, deliverPath, groupCard("run-1"))
	if got.status != 403 || !strings.Contains(got.raw, "Card.Instance.Write") {
		t.Errorf("without permission: %d %s", got.status, got.raw)
	}
	b.SetPermission(ScopeCard, true)
	b.call(t, http.MethodPost, deliverPath, groupCard("run-1"))
	if got := b.call(t, http.MethodPost, deliverPath, groupCard("run-1")); got.text("code") != "param.cardAlreadyExist" {
		t.Errorf("the same outTrackId again: %s", got.raw)
	}
}

func TestCardCreateThenDeliverToOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := map[string]any{
		"cardTemplateId": "a.schema", "outTrackId": "run-2", "callbackType": "STREAM",
		"cardData":              map[string]any{"cardParamMap": map[string]any{"title": "x"}},
		"imRobotOpenSpaceModel": map[string]any{"supportForward": false},
	}
	if got := b.call(t, http.MethodPost, cardPath, body); got.text("result") != "run-2" || len(b.Messages(Direct("chen"))) != 0 {
		t.Fatalf("create: %s", got.raw)
	}
	deliver := map[string]any{
		"outTrackId": "run-2", "openSpaceId": "dtv1.card//IM_ROBOT.chen",
		"imRobotOpenDeliverModel": map[string]any{"spaceType": "IM_ROBOT"},
	}
	if got := b.call(t, http.MethodPost, cardPath+"/deliver", deliver); !got.list("result")[0].yes("success") {
		t.Errorf("deliver: %s", got.raw)
	}
	if said := b.Messages(Direct("chen")); len(said) != 1 || said[0].Kind != "card" {
		t.Errorf("said %+v", said)
	}
	deliver["outTrackId"] = "none"
	if got := b.call(t, http.MethodPost, cardPath+"/deliver", deliver); got.text("code") != "param.cardNotExist" {
		t.Errorf("unknown card: %s", got.raw)
	}
}

func TestCardUpdate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	heard := make(chan Message, 8)
	b.OnMessage(func(m Message) { heard <- m })
	b.call(t, http.MethodPost, deliverPath, groupCard("run-1"))
	<-heard
	update := func(options map[string]any, params map[string]any) reply {
		return b.call(t, http.MethodPut, cardPath, map[string]any{
			"outTrackId": "run-1", "cardUpdateOptions": options,
			"cardData":    map[string]any{"cardParamMap": params},
			"privateData": map[string]any{"zhou": map[string]any{"cardParamMap": map[string]any{"voted": "yes"}}},
		})
	}
	if got := update(map[string]any{"updateCardDataByKey": true}, map[string]any{"status": "done"}); got.status != 200 {
		t.Fatalf("by key: %s", got.raw)
	}
	if m := <-heard; !maps.Equal(m.Params, map[string]string{"title": "待批准", "status": "done"}) || m.Edits != 1 {
		t.Errorf("by key: %+v", m)
	}
	update(nil, map[string]any{"status": "folded"})
	if m := <-heard; !maps.Equal(m.Params, map[string]string{"status": "folded"}) || m.Edits != 2 {
		t.Errorf("the default forgets what is not sent: %+v", m)
	}
	state, found := b.Card("run-1")
	if !found || state.Private["zhou"]["voted"] != "yes" || len(b.Messages(group)) != 1 {
		t.Errorf("state %+v", state)
	}
	if got := update(nil, map[string]any{"status": 1}); got.text("code") != "param.error" {
		t.Errorf("number: %s", got.raw)
	}
	got := b.call(t, http.MethodPut, cardPath, map[string]any{"outTrackId": "none"})
	if got.text("code") != "param.cardNotExist" {
		t.Errorf("unknown card: %s", got.raw)
	}
	if _, found := b.Card("none"); found {
		t.Error("an unknown card was found")
	}
}

// cardAck answers a card callback.
func cardAck(f frame, response map[string]any) string {
	data, _ := json.Marshal(map[string]any{"response": response})
	return ackOf(f, 200, string(data))
}

func TestClick(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call(t, http.MethodPost, deliverPath, groupCard("run-1"))
	frames := make(chan frame, 1)
	b.dial(t, func(f frame) string {
		frames <- f
		return cardAck(f, map[string]any{
			"cardUpdateOptions": map[string]any{"updateCardDataByKey": true, "updatePrivateDataByKey": true},
			"cardData":          map[string]any{"cardParamMap": map[string]any{"status": "ok"}},
			"userPrivateData":   map[string]any{"cardParamMap": map[string]any{"voted": "yes"}},
		})
	})
	click := Click{OutTrackID: "run-1", Staff: "li", ActionID: "1", Params: map[string]string{"action": "accept"}}
	if _, err := b.Click(t.Context(), click); err != nil {
		t.Fatal(err)
	}
	f := <-frames
	o := dataOf(t, f)
	want := `{"cardPrivateData":{"actionIds":["1"],"params":{"action":"accept"}}}`
	if f.Headers["topic"] != topicCard || o.text("type") != "actionCallback" || o.text("userId") != "li" ||
		o.text("content") != want || o.text("spaceId") != openID || o.text("corpId") != b.opts.CorpID {
		t.Errorf("callback: %v", o)
	}
	state, _ := b.Card("run-1")
	if state.Params["status"] != "ok" || state.Params["title"] != "待批准" || state.Private["li"]["voted"] != "yes" {
		t.Errorf("state: %+v", state)
	}
	if m := b.Messages(group)[0]; m.Params["status"] != "ok" {
		t.Errorf("shown: %+v", m)
	}
	noComplaints(t, b)
}

func TestClickRefusals(t *testing.T) {
	t.Parallel()
	b := setup(t)
	private := groupCard("for-zhou")
	private["imGroupOpenDeliverModel"] = map[string]any{"robotCode": "dingsimclient", "recipients": []string{"zhou"}}
	silent := groupCard("silent")
	delete(silent, "callbackType")
	for _, body := range []map[string]any{private, silent} {
		if got := b.call(t, http.MethodPost, deliverPath, body); got.status != 200 {
			t.Fatal(got.raw)
		}
	}
	for name, c := range map[string]Click{
		"no card":         {OutTrackID: "none", Staff: "zhou"},
		"not a recipient": {OutTrackID: "for-zhou", Staff: "li"},
		"not a member":    {OutTrackID: "for-zhou", Staff: "chen"},
		"no callback":     {OutTrackID: "silent", Staff: "zhou"},
	} {
		if _, err := b.Click(t.Context(), c); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.Click(t.Context(), Click{OutTrackID: "for-zhou", Staff: "zhou"}); !errors.Is(err, ErrNotConnected) {
		t.Errorf("without a connection: %v", err)
	}
}

func TestClickMisdeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		handle func(bench, frame) string
		want   string
	}{
		"no data": {func(_ bench, f frame) string { return ackOf(f, 200, "") }, "without JSON data"},
		"a number": {func(_ bench, f frame) string {
			return cardAck(f, map[string]any{"cardData": map[string]any{"cardParamMap": map[string]any{"n": 1}}})
		}, "answer to a card callback is wrong"},
		"updated inside": {func(b bench, f frame) string {
			b.call(t, http.MethodPut, cardPath, map[string]any{"outTrackId": "run-1", "privateData": map[string]any{}})
			return cardAck(f, nil)
		}, "still waited"},
	} {
		b := setup(t)
		b.call(t, http.MethodPost, deliverPath, groupCard("run-1"))
		b.dial(t, func(f frame) string { return c.handle(b, f) })
		if _, err := b.Click(t.Context(), Click{OutTrackID: "run-1", Staff: "zhou"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := strings.Join(b.Complaints(), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: complaints %q", name, got)
		}
		if m := b.Messages(group)[0]; m.Edits != 0 {
			t.Errorf("%s: the card changed: %+v", name, m)
		}
	}
}

func TestParseSpace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"dtv1.card//IM_GROUP.cid.with=dots": {"IM_GROUP", "cid.with=dots"},
		"dtv1.card//IM_ROBOT.u1":            {"IM_ROBOT", "u1"},
		"dtv1.card//IM_GROUP.":              nil,
		"dtv1.card//ONE_BOX.x":              nil,
		"IM_GROUP.x":                        nil,
	} {
		kind, id, good := parseSpace(text)
		if good != (want != nil) || good && !slices.Equal([]string{kind, id}, want) {
			t.Errorf("parseSpace(%q) = %s %s %v", text, kind, id, good)
		}
	}
}

func TestCardUpdatesThatCannotBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call(t, http.MethodPost, deliverPath, groupCard("run-1"))
	if c, _ := b.Card("run-1"); c.Forward {
		t.Errorf("it may be forwarded: %+v", c)
	}
	for id, want := range map[string]string{"run-1": "param.cardDataAndPrivateDataBothEmpty", "none": "param.cardNotExist"} {
		if got := b.call(t, http.MethodPut, cardPath, map[string]any{"outTrackId": id}); got.status != 400 || got.text("code") != want {
			t.Errorf("%s: %d %s", id, got.status, got.raw)
		}
	}
	b.SetPermission(ScopeCard, false)
	if got := b.call(t, http.MethodPut, cardPath, map[string]any{"outTrackId": "run-1"}); got.status != 403 || !strings.Contains(got.raw, "Card.Instance.Write") {
		t.Errorf("%d %s", got.status, got.raw)
	}
	forward := groupCard("run-2")
	forward["imGroupOpenSpaceModel"] = map[string]any{"supportForward": true}
	b.SetPermission(ScopeCard, true)
	b.call(t, http.MethodPost, deliverPath, forward)
	if c, ok := b.Card("run-2"); !ok || !c.Forward {
		t.Errorf("%+v", c)
	}
}
