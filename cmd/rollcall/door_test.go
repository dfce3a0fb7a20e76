package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rollcallhq/rollcall/cmd/stage"
	"github.com/rollcallhq/rollcall/sync/run"
	"github.com/rollcallhq/rollcall/sync/simulator/dingtalksim"
	"github.com/rollcallhq/rollcall/sync/simulator/feishusim"
)

// TestT5_ForgedBotMoved posts what says that the bot was taken out of its room,
// or put into one, and is not from Feishu: nothing is noted and nobody is told.
// The genuine event tells the other room; however often it is sent, once.
func TestT5_ForgedBotMoved(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	moved := func(kind string) feishusim.Event {
		return g.stage.Feishu.NewEvent(kind, map[string]any{
			"chat_id": g.stage.ChatID(stage.FeishuRoom), "operator_tenant_key": g.stage.Feishu.TenantKey(),
			"operator_id": map[string]any{"open_id": g.stage.Account(stage.FeishuRoom, "李敏")},
		})
	}
	for _, c := range []struct {
		reason string
		f      feishusim.Forgery
	}{
		{"signature", feishusim.Forgery{BadSignature: true}},
		{"unsigned", feishusim.Forgery{Unsigned: true}},
		{"not_sealed", feishusim.Forgery{Plain: true}},
		{"token", feishusim.Forgery{Token: "token-of-the-forger-5521"}},
		{"app", feishusim.Forgery{AppID: "cli_other"}},
		{"tenant", feishusim.Forgery{TenantKey: "tenant_other"}},
		{"stale", feishusim.Forgery{Age: 6 * time.Minute}},
	} {
		for _, kind := range []string{feishusim.EventBotDeleted, feishusim.EventBotAdded} {
			g.refusal(t, c.reason, func() (int, []byte) {
				a := g.post(t, moved(kind), c.f)
				return a.Status, a.Body
			})
		}
	}
	g.untouched(t)
	if heard := g.log.with("bot moved"); len(heard) > 0 {
		t.Errorf("a forgery is heard: %q", heard)
	}
	if set, err := g.app.store.Settings(t.Context(), "gone"); err != nil || len(set) > 0 {
		t.Errorf("noted %+v, %v", set, err)
	}

	from := len(g.all())
	first := g.post(t, moved(feishusim.EventBotDeleted), feishusim.Forgery{})
	told := func(p stage.Post) bool {
		return p.Room == stage.DingRoom && strings.Contains(p.Text, "the bot was taken out of a room of hr-to-wecom")
	}
	g.await(t, from, told)
	for range 3 {
		if a := g.resend(t, first.Sent); a.Status != http.StatusOK {
			t.Errorf("a delivery that repeats is answered %d", a.Status)
		}
	}
	g.untouched(t)
	alarms := 0
	for _, p := range g.all()[from:] {
		if told(p) {
			alarms++
		}
	}
	if alarms != 1 {
		t.Errorf("the other room is told %d times", alarms)
	}
	// One room is left in which the bot is heard: the flow goes on.
	if p, err := g.app.engine.Pauses(t.Context()); err != nil || len(p) > 0 {
		t.Errorf("paused %+v, %v", p, err)
	}
	g.post(t, moved(feishusim.EventBotAdded), feishusim.Forgery{})
	if set, err := g.app.store.Settings(t.Context(), "gone"); err != nil || len(set) > 0 {
		t.Errorf("still noted %+v, %v", set, err)
	}
	g.applied(t)
}

// TestT5_CardOverHTTP posts a card's callback to DingTalk's HTTP door, under the
// signature of a genuine message: there is no such door.
func TestT5_CardOverHTTP(t *testing.T) {
	t.Parallel()
	g := openTarget(t)
	captured := g.utter(t, dingtalksim.Utterance{Text: "help"}, dingtalksim.PostOptions{})
	content, err := json.Marshal(map[string]any{"cardPrivateData": map[string]any{"actionIds": []string{"1"}, "params": map[string]string{"command": g.approve}}})
	if err != nil {
		t.Fatal(err)
	}
	press := map[string]any{
		"type": "actionCallback", "outTrackId": strings.Repeat("a", 48), "corpId": "dingdemo", "userId": g.stage.Account(stage.DingRoom, "周凯"), "userIdType": 1,
		"spaceId": g.stage.ChatID(stage.DingRoom), "spaceType": "IM_GROUP", "content": string(content),
	}
	mixed := map[string]any{}
	if err := json.Unmarshal(captured.SentBody, &mixed); err != nil {
		t.Fatal(err)
	}
	// a message that is a press as well; the message's own id is claimed
	maps.Copy(mixed, press)
	for name, body := range map[string]map[string]any{"press": press, "both": mixed} {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		p := g.utter(t, dingtalksim.Utterance{}, dingtalksim.PostOptions{Replay: &captured, Alter: func([]byte) []byte { return raw }})
		if name == "press" && p.Status == http.StatusOK {
			t.Errorf("%s: answered %d %s", name, p.Status, p.Body)
		}
	}
	g.untouched(t)
	g.applied(t)
	g.discreet(t, g.approve)
}

// TestT5_DingTalkCards presses buttons of interactive cards as no button is: a
// card of somebody else's, a bent command, the digest of another plan, people who
// may not vote. Then the button itself, twice.
func TestT5_DingTalkCards(t *testing.T) {
	t.Parallel()
	s := openService(t, stage.Options{Cards: true})
	g := &target{service: s, begun: 1}
	s.ask(t, stage.DingRoom, "李敏", "@点名 status", "") // tells the bot its corp
	s.ask(t, stage.FeishuRoom, "李敏", "@点名 同步 hr-to-wecom", "待批准")
	r := s.awaitRun(t, "a run awaits approval", func(r run.Run) bool { return r.State == run.Awaiting })
	g.code, g.approve = string(r.Code), "approve "+string(r.Code)+" delete=3"
	card := s.dingCard(t, g.code)
	params := map[string]string{"command": g.approve, "digest": card.Params["digest"]}
	if params["digest"] == "" || !strings.Contains(card.Params["button1_command"], g.code) {
		t.Fatalf("the card has no button to approve: %+v", card.Params)
	}
	click := func(id, who string, params map[string]string) {
		t.Helper()
		ack, err := s.stage.DingTalk.Click(t.Context(), dingtalksim.Click{OutTrackID: id, Staff: s.stage.Account(stage.DingRoom, who), ActionID: "1", Params: params})
		if err != nil || ack.Code != http.StatusOK {
			t.Errorf("pressed by %s: %+v, %v", who, ack, err)
		}
	}
	with := func(command, digest string) map[string]string {
		return map[string]string{"command": command, "digest": digest}
	}
	answered := func(want string, press func()) {
		t.Helper()
		from := len(s.all())
		press()
		s.await(t, from, func(p stage.Post) bool { return p.Room == stage.DingRoom && strings.Contains(p.Text, want) })
		g.untouched(t)
	}

	before := len(s.log.with(`"reason":"card_moved"`))
	click(s.foreignCard(t), "周凯", params)
	if lines := s.log.with(`"reason":"card_moved"`)[before:]; len(lines) != 1 {
		t.Errorf("a card of somebody else's: the log has %q", lines)
	}
	g.untouched(t)
	answered("You asked for this plan", func() { click(card.OutTrackID, "李敏", params) })
	answered("approver", func() { click(card.OutTrackID, "吴迪", params) })
	answered("The card shows another plan", func() {
		click(card.OutTrackID, "周凯", with(g.approve, strings.Repeat("ab", len(params["digest"])/2)))
	})
	answered("you wrote delete 2", func() {
		click(card.OutTrackID, "周凯", with(strings.Replace(g.approve, "delete=3", "delete=2", 1), params["digest"]))
	})
	answered("was not taken as an approval", func() { click(card.OutTrackID, "周凯", with("ok", params["digest"])) })
	click(card.OutTrackID, "周凯", nil)
	g.untouched(t)

	from := len(s.all())
	click(card.OutTrackID, "周凯", params)
	click(card.OutTrackID, "周凯", params)
	s.await(t, from, func(p stage.Post) bool { return strings.Contains(p.Text, "Approved: "+g.code) })
	until(t, "the approved run succeeds", func() bool { return s.run(t, run.Code(g.code)).State == run.Succeeded })
	s.once(t, 12)
	if votes, err := s.app.store.Votes(t.Context(), run.Code(g.code)); err != nil || len(votes) != 1 || votes[0].By.Channel != run.ByButton {
		t.Errorf("votes %+v, %v", votes, err)
	}
	s.discreet(t, g.approve)
	if wrong := s.stage.DingTalk.Complaints(); len(wrong) > 0 {
		t.Errorf("the platform complains: %q", wrong)
	}
}

// dingCard waits for the interactive card of a run in the DingTalk room.
func (s *service) dingCard(t *testing.T, code string) dingtalksim.Card {
	t.Helper()
	var found dingtalksim.Card
	until(t, "the card of the run", func() bool {
		for _, m := range s.stage.DingTalk.Messages(s.stage.ChatID(stage.DingRoom)) {
			if m.Via == dingtalksim.ViaCard && strings.Contains(m.Params["title"], code) && strings.Contains(m.Params["button1_command"], "approve") {
				found, _ = s.stage.DingTalk.Card(m.ID)
				return true
			}
		}
		return false
	})
	return found
}

// foreignCard delivers a card into the room that the bot did not make: whoever
// has the app's token, another of its programs for instance, can.
func (s *service) foreignCard(t *testing.T) string {
	t.Helper()
	sys, ok := s.app.cfg.System("dingtalk")
	if !ok {
		t.Fatal("there is no DingTalk")
	}
	d := sys.DingTalk
	call := func(path, token string, body map[string]any) map[string]any {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.APIURL+path, bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("x-acs-dingtalk-access-token", token)
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Body.Close() }()
		out := map[string]any{}
		if err := json.NewDecoder(a.Body).Decode(&out); err != nil || a.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %v, %v", path, a.StatusCode, out, err)
		}
		return out
	}
	token, _ := call("/v1.0/oauth2/accessToken", "", map[string]any{"appKey": d.ClientID, "appSecret": d.ClientSecret.Reveal()})["accessToken"].(string)
	id := strings.Repeat("0", 48)
	call("/v1.0/card/instances/createAndDeliver", token, map[string]any{
		"cardTemplateId": s.app.cfg.Bots.DingTalk.CardTemplateID, "outTrackId": id, "userIdType": 1, "callbackType": "STREAM",
		"cardData":    map[string]any{"cardParamMap": map[string]string{"title": "a copy"}},
		"openSpaceId": "dtv1.card//IM_GROUP." + s.stage.ChatID(stage.DingRoom), "imGroupOpenSpaceModel": map[string]any{"supportForward": false},
		"imGroupOpenDeliverModel": map[string]any{"robotCode": s.app.cfg.Bots.DingTalk.RobotCode},
	})
	return id
}
