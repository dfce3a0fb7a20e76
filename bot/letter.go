package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/run"
)

// letterID makes the id of a letter from what it is about: saying the same thing
// again makes the same id, and nothing is said twice. It serves as a platform's
// idempotency key.
func letterID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:20])
}

// letter packs a card.
func (b *Bot) letter(id, lane string, o Outgoing) run.Letter {
	o.Card = tidy(o.Card)
	payload, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("bot: encode letter: %v", err)) // an Outgoing holds nothing that JSON cannot
	}
	way := string(o.Platform)
	if o.Robot != "" {
		way = string(byRobots)
	}
	// A drawing of a live card is made needless by a newer one.
	return run.Letter{ID: id, Lane: lane, Payload: payload, At: b.o.Now(), Subject: o.Live, Version: o.Version, Way: way}
}

// lane keeps the letters of one conversation in order.
func lane(platform run.Platform, chat, about string) string {
	return string(platform) + ":" + chat + ":" + about
}

// liveKey names a run's live card in a chat.
func liveKey(code run.Code, chat string) string { return "card:" + string(code) + ":" + chat }

// liveCode gives the run whose live card a key names; "" for any other key.
func liveCode(key string) run.Code {
	rest, is := strings.CutPrefix(key, "card:")
	code, _, more := strings.Cut(rest, ":")
	if !is || !more {
		return ""
	}
	return run.Code(code)
}

// A place is kept together with the version that was drawn there: "12 om_abc".
func placeOf(version int64, place string) string {
	if place == "" {
		return ""
	}
	return strconv.FormatInt(version, 10) + " " + place
}

// saidOf is kept in the place of a card that was said and cannot be edited: "12 ".
func saidOf(version int64) string { return strconv.FormatInt(version, 10) + " " }

func splitPlace(kept string) (version int64, place string) {
	head, tail, _ := strings.Cut(kept, " ")
	version, err := strconv.ParseInt(head, 10, 64)
	if err != nil {
		return 0, kept
	}
	return version, tail
}

// to addresses a card to an audience.
func (a audience) to(card Card) Outgoing {
	o := Outgoing{Platform: a.platform, Chat: a.chat, ReplyTo: a.replyTo, Lang: a.lang, Card: card}
	if a.robot {
		o.Robot, o.ReplyTo = a.webhook, ""
	}
	if !a.can.Buttons {
		o.Card.Buttons = nil
	}
	return o
}
