package feishubot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const (
	messages = "/open-apis/im/v1/messages"
	// keyLimit is the vendor's for uuid; within an hour a second message with the
	// same key is not sent, and the first one's id comes back.
	keyLimit = 50
)

// Send delivers an answer: by editing the card at place, or as a reply in the
// thread, or to the chat, or to the person To alone; Chat may also be a person's
// account id. place is the message's id; one that could not be a card carries its
// kind, as "post:om_…". A card that Feishu refuses is said as rich text, then as
// text, in the same call; the log tells which step was taken. A file goes after
// the words; when it cannot go at all, the words say why.
//
// Faults: Limited and Unavailable may be tried again with the same idem, and for
// an hour Feishu then sends nothing twice; Denied, Invalid and NotFound never
// succeed; Credential asks for an admin.
func (b *Bot) Send(ctx context.Context, o bot.Outgoing, idem, place string) (string, error) {
	if o.To != "" { // what is for one person alone must never reach a group
		o.Chat, o.ReplyTo = "", ""
	}
	if o.Chat == "" && o.ReplyTo == "" && !accountID.MatchString(o.To) {
		return "", fault.New(fault.Invalid, "the message has no chat / 消息没有指明群")
	}
	if idem == "" || len(idem) > keyLimit {
		return "", fault.New(fault.Internal, "the message's key is missing or too long / 消息的幂等键缺失或过长")
	}
	var file string
	if o.File != nil {
		var err error
		if file, err = b.upload(ctx, *o.File); fault.Retryable(err) {
			return "", err
		} else if err != nil {
			o = b.without(ctx, o, err)
		}
	}
	list := drafts(o, b.bind(o))
	if place != "" {
		again, err := b.edit(ctx, list, place)
		if !again && err != nil {
			return place, err
		}
		if !again {
			return place, b.attach(ctx, o, file, idem)
		}
	}
	place, err := b.post(ctx, o, list, idem)
	if err != nil {
		return "", err
	}
	return place, b.attach(ctx, o, file, idem)
}

// post sends the first draft that is taken, and notes which one it was.
func (b *Bot) post(ctx context.Context, o bot.Outgoing, list []draft, idem string) (string, error) {
	var err error
	for i, d := range list {
		last := i == len(list)-1
		if censored(err) && !last {
			continue // the same words in another dress
		}
		refused := err
		var id string
		if id, err = b.deliverDraft(ctx, o, d, idem); err == nil {
			if i > 0 {
				b.o.Logger.WarnContext(ctx, "message sent in a lesser form", "system", "feishu", "step", d.step, "err", refused)
			} else {
				b.o.Logger.InfoContext(ctx, "message sent", "system", "feishu", "step", d.step, "parts", len(d.parts))
			}
			return placeOf(d.kind, id), nil
		}
		if fault.KindOf(err) != fault.Invalid && !censored(err) {
			return "", err
		}
	}
	return "", err
}

// deliverDraft sends all parts of a draft and gives the first one's id.
func (b *Bot) deliverDraft(ctx context.Context, o bot.Outgoing, d draft, idem string) (string, error) {
	var first string
	for i, content := range d.parts {
		l := letter{kind: d.kind, content: content, key: partKey(idem, strconv.Itoa(i+1))}
		if i == 0 {
			l.key = idem
		}
		id, err := b.deliverOne(ctx, o, l)
		if err != nil {
			return "", err
		}
		if i == 0 {
			first = id
		}
	}
	return first, nil
}

// partKey gives the key of what belongs to a message and is sent beside it.
func partKey(idem, part string) string {
	if key := idem + "-" + part; len(key) <= keyLimit {
		return key
	}
	sum := sha256.Sum256([]byte(idem + "-" + part))
	return hex.EncodeToString(sum[:20])
}

// letter is one message on its way.
type letter struct{ kind, content, key string }

// deliverOne sends one message: in the thread, else as a plain reply where a group
// has no threads, else to the chat when what it answers is gone.
func (b *Bot) deliverOne(ctx context.Context, o bot.Outgoing, l letter) (string, error) {
	chat := o.Chat
	if chat == "" {
		chat = o.To
	}
	if o.ReplyTo == "" {
		return b.create(ctx, chat, l)
	}
	id, err := b.reply(ctx, o.ReplyTo, l, true)
	if coded(err, "230071", "230072") {
		id, err = b.reply(ctx, o.ReplyTo, l, false)
	}
	if fault.KindOf(err) == fault.NotFound && chat != "" && !coded(err, "232009") {
		return b.create(ctx, chat, l)
	}
	return id, err
}

// sent is what a sending call answers.
type sent struct {
	ID   string `json:"message_id"`
	Chat string `json:"chat_id"`
}

// create sends to a chat, or to a person: the answer then tells in which chat
// that person talks to the bot alone.
func (b *Bot) create(ctx context.Context, chat string, l letter) (string, error) {
	kind, id := receiver(chat)
	var out sent
	err := b.call(ctx, request{
		method: "POST", path: messages, query: url.Values{"receive_id_type": {kind}},
		body: map[string]any{"receive_id": id, "msg_type": l.kind, "content": l.content, "uuid": l.key},
	}, &out)
	if err == nil && kind != "chat_id" && out.Chat != "" {
		b.dms.add(out.Chat)
	}
	return out.ID, err
}

func (b *Bot) reply(ctx context.Context, to string, l letter, inThread bool) (string, error) {
	var out sent
	err := b.call(ctx, request{
		method: "POST", path: messages + "/" + url.PathEscape(to) + "/reply",
		body: map[string]any{"msg_type": l.kind, "content": l.content, "reply_in_thread": inThread, "uuid": l.key},
	}, &out)
	return out.ID, err
}

// receiver tells what kind of id a chat is.
func receiver(chat string) (kind, id string) {
	switch {
	case strings.HasPrefix(chat, "ou_"):
		return "open_id", chat
	case strings.HasPrefix(chat, "on_"):
		return "union_id", chat
	case strings.HasPrefix(chat, "user_id:"):
		return "user_id", strings.TrimPrefix(chat, "user_id:")
	default:
		return "chat_id", chat
	}
}

// edit replaces what stands at place by the best draft of its kind. again says
// that it cannot be edited any more: it is gone, too old, edited too often, or
// takes none of the drafts.
func (b *Bot) edit(ctx context.Context, list []draft, place string) (again bool, err error) {
	kind, id := readPlace(place)
	for _, d := range list {
		if (kind == asCard) != (d.kind == asCard) || len(d.parts) > 1 {
			continue // a message of several parts cannot be edited into another number of them
		}
		content := d.parts[0]
		r := request{method: "PATCH", path: messages + "/" + url.PathEscape(id), body: map[string]any{"content": content}}
		if d.kind != asCard {
			r.method, r.body = "PUT", map[string]any{"msg_type": d.kind, "content": content}
		}
		switch err = b.call(ctx, r, nil); {
		case err == nil:
			b.o.Logger.InfoContext(ctx, "message edited", "system", "feishu", "step", d.step)
			return false, nil
		case coded(err, "232009"):
			return false, err
		case fault.KindOf(err) == fault.NotFound:
			return true, err
		case fault.KindOf(err) != fault.Invalid && !censored(err):
			return false, err
		}
	}
	return true, err
}

// placeOf spells where a message stands.
func placeOf(kind, id string) string {
	if kind == asCard {
		return id
	}
	return kind + ":" + id
}

func readPlace(place string) (kind, id string) {
	if kind, id, ok := strings.Cut(place, ":"); ok && (kind == asPost || kind == asText) {
		return kind, id
	}
	return asCard, place
}
