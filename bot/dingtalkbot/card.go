package dingtalkbot

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// The variables of the card template, all of them sent as texts of at most 1 KB:
// title, tone, state (tone in words), foot, digest, notice, body1 to body8
// (markdown), for each of four buttons its label and its command, and "true" or
// "false" for whether each body and button is shown. The template is
// docs/bots/dingtalk-card.json; docs/bots/dingtalk.md tells how to import it.
const (
	cardParts   = 8
	partLimit   = 1000 // bytes of each; the vendor's limit is 1 KB
	cardButtons = 4
)

// sendCard edits the card at place, or delivers a new one, and gives its place:
// the outTrackId, which follows from the key, so that a second try finds the
// first.
func (b *Bot) sendCard(ctx context.Context, o bot.Outgoing, idem, place string) (string, error) {
	params := b.params(o)
	if place != "" {
		err := b.updateCard(ctx, place, params)
		if err == nil || fault.KindOf(err) != fault.NotFound {
			return place, err
		}
	}
	place = b.track(digest(idem), spaceOf(o.Chat))
	err := b.createCard(ctx, o, place, params)
	kind := fault.KindOf(err)
	if kind == fault.Conflict {
		// An earlier try arrived, and its answer was lost. Nothing else makes
		// this id, so what stands there is this drawing.
		return place, nil
	}
	if kind == fault.Credential || kind == fault.Invalid {
		b.broken.Store(b.o.Now().Add(brokenTime).UnixMilli())
	}
	return place, err
}

// brokenTime is how long no card is tried after the template or the permission
// was refused: each try would cost a call of the monthly quota.
const brokenTime = 10 * time.Minute

func (b *Bot) cardless() bool { return b.o.Now().UnixMilli() < b.broken.Load() }

// spaceOf names the place of a chat: a group, or the chat of one person.
func spaceOf(chat string) string {
	if staff, ok := strings.CutPrefix(chat, directPrefix); ok {
		return spaceSingle + "." + staff
	}
	return spaceGroup + "." + chat
}

// track makes the id under which a card is delivered. It binds the card to its
// place: a press that comes from elsewhere, or on a card of somebody else's
// making, does not fit the id.
func (b *Bot) track(id, space string) string {
	mac := hmac.New(sha256.New, []byte(b.o.ClientSecret))
	mac.Write([]byte("card/" + id + "/" + space))
	return id + hex.EncodeToString(mac.Sum(nil)[:8])
}

// tracked tells whether a card was delivered by us, to this place.
func (b *Bot) tracked(place, space string) bool {
	const idLength = 32
	return len(place) > idLength && hmac.Equal([]byte(place), []byte(b.track(place[:idLength], space)))
}

func (b *Bot) updateCard(ctx context.Context, place string, params map[string]string) error {
	body := map[string]any{
		"outTrackId": place, "userIdType": 1,
		"cardData":          map[string]any{"cardParamMap": params},
		"cardUpdateOptions": map[string]any{"updateCardDataByKey": true, "updatePrivateDataByKey": true},
	}
	var out struct {
		Success bool `json:"success"`
	}
	err := b.call(ctx, request{method: http.MethodPut, url: "/v1.0/card/instances", body: body}, &out)
	if err == nil && !out.Success {
		return say(fault.Invalid, "DingTalk does not change the card / 钉钉没有更新卡片")
	}
	return err
}

func (b *Bot) createCard(ctx context.Context, o bot.Outgoing, place string, params map[string]string) error {
	body := map[string]any{
		"cardTemplateId": b.o.CardTemplate, "outTrackId": place, "userIdType": 1,
		"cardData": map[string]any{"cardParamMap": params}, "openSpaceId": "dtv1.card//" + spaceOf(o.Chat),
	}
	if b.o.Receive == Stream {
		body["callbackType"] = "STREAM"
	}
	// A forwarded card would be pressed where it does not belong.
	alone := map[string]any{"supportForward": false}
	if strings.HasPrefix(o.Chat, directPrefix) {
		body["imRobotOpenSpaceModel"] = alone
		body["imRobotOpenDeliverModel"] = map[string]any{"spaceType": spaceSingle, "robotCode": b.o.RobotCode}
	} else {
		called := map[string]string{}
		for _, id := range mentioned(o.Mention) {
			called[id] = id
		}
		body["imGroupOpenSpaceModel"] = alone
		body["imGroupOpenDeliverModel"] = map[string]any{"robotCode": b.o.RobotCode, "atUserIds": called}
	}
	var out struct {
		Result struct {
			Delivered []struct {
				Success bool `json:"success"`
			} `json:"deliverResults"`
		} `json:"result"`
	}
	if err := b.call(ctx, request{method: http.MethodPost, url: "/v1.0/card/instances/createAndDeliver", body: body}, &out); err != nil {
		return err
	}
	for _, d := range out.Result.Delivered {
		if d.Success {
			return nil
		}
	}
	return say(fault.NotFound, "DingTalk did not deliver the card to the room: check chat_id and robot_code"+
		" / 钉钉没有把卡片送到群里，请核对 chat_id 和 robot_code")
}

// params gives all variables, empty ones too: an update changes by key, and
// what an older drawing had must go.
func (b *Bot) params(o bot.Outgoing) map[string]string {
	out := map[string]string{"tone": string(o.Card.Tone), "state": stateOf(o.Card.Tone, o.Lang), "notice": "", "digest": ""}
	shown := 0
	pressable := func(button bot.Button) bool {
		fits := len(button.Inputs) == 0 && len(button.Command) <= partLimit && b.o.Receive == Stream && shown < cardButtons
		if !fits {
			return false
		}
		shown++
		n := "button" + strconv.Itoa(shown)
		out[n+"_label"] = strings.TrimSpace(markdown.Plain(button.Label, labelLimit))
		out[n+"_command"], out[n+"_shown"] = button.Command, "true"
		if out["digest"] == "" && len(button.Digest) <= partLimit {
			out["digest"] = button.Digest
		}
		return true
	}
	rest := typed(o.Card.Buttons, pressable)
	for i := shown + 1; i <= cardButtons; i++ {
		n := "button" + strconv.Itoa(i)
		out[n+"_label"], out[n+"_command"], out[n+"_shown"] = "", "", "false"
	}
	card := o.Card
	out["foot"] = bounded(markdown.Plain(card.Foot, partLimit))
	card.Foot = ""
	opt := markdown.Options{Dialect: markdown.DingTalk, Lang: o.Lang, Commands: rest, Headless: true, Limit: cardParts}
	opt.Size = func(s string) int { return len(markdown.Split(s, partLimit)) }
	if b.o.BotName != "" {
		opt.Address = "@" + b.o.BotName
	}
	doc := markdown.Render(card, opt)
	out["title"] = bounded(doc.Title)
	parts := markdown.Split(doc.Text, partLimit)
	for i := range cardParts {
		text := ""
		if i < len(parts) {
			text = parts[i]
		}
		n := "body" + strconv.Itoa(i+1)
		out[n], out[n+"_shown"] = text, strconv.FormatBool(text != "")
	}
	return out
}

// stateOf says a tone in words: a colour is never the only sign.
func stateOf(t bot.Tone, lang bot.Lang) string {
	words := map[bot.Tone][2]string{
		bot.Waits: {"waiting for approval", "待批准"}, bot.Danger: {"attention", "需要注意"}, bot.Good: {"done", "完成"},
		bot.Warn: {"look here", "请查看"}, bot.Quiet: {"over", "已结束"},
	}
	w, ok := words[t]
	if !ok {
		w = [2]string{"running", "进行中"}
	}
	if lang == bot.EN {
		return w[0]
	}
	return w[1]
}

// bounded cuts a text to the bytes of a variable.
func bounded(s string) string {
	if len(s) <= partLimit {
		return s
	}
	at := partLimit - len("…")
	for !utf8.RuneStart(s[at]) {
		at--
	}
	return s[:at] + "…"
}
