package feishubot

import (
	"context"
	"net/url"
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
// thread, or to the chat; Chat may also be a person's account id. place is the
// message's id; one that could not be a card carries its kind, as "post:om_…".
// A card that Feishu refuses is said as rich text, then as text, in the same
// call. Faults: Limited and Unavailable may be tried again with the same idem;
// Denied, Invalid and NotFound never succeed; Credential asks for an admin.
func (b *Bot) Send(ctx context.Context, o bot.Outgoing, idem, place string) (string, error) {
	if o.Chat == "" && o.ReplyTo == "" {
		return "", fault.New(fault.Invalid, "the message has no chat / 消息没有指明群")
	}
	if idem == "" || len(idem) > keyLimit {
		return "", fault.New(fault.Internal, "the message's key is missing or too long / 消息的幂等键缺失或过长")
	}
	dm := ""
	if b.dms.has(o.Chat) {
		dm = o.Chat
	}
	list := drafts(o, dm)
	if place != "" {
		again, err := b.edit(ctx, list, place)
		if !again {
			return place, err
		}
	}
	return b.post(ctx, o, list, idem)
}

// post sends the first draft that is taken.
func (b *Bot) post(ctx context.Context, o bot.Outgoing, list []draft, idem string) (string, error) {
	var err error
	for i, d := range list {
		last := i == len(list)-1
		if censored(err) && !last {
			continue // the same words in another dress
		}
		var id string
		if id, err = b.deliverDraft(ctx, o, d, idem); err == nil {
			if i > 0 {
				b.o.Logger.WarnContext(ctx, "message sent in a lesser form", "system", "feishu", "kind", d.kind, "step", i)
			}
			return placeOf(d.kind, id), nil
		}
		if fault.KindOf(err) != fault.Invalid && !censored(err) {
			return "", err
		}
	}
	return "", err
}

// deliverDraft sends one draft: in the thread, else as a plain reply where a
// group has no threads, else to the chat when what it answers is gone.
func (b *Bot) deliverDraft(ctx context.Context, o bot.Outgoing, d draft, idem string) (string, error) {
	if o.ReplyTo == "" {
		return b.create(ctx, o.Chat, d, idem)
	}
	id, err := b.reply(ctx, o.ReplyTo, d, idem, true)
	if coded(err, "230071", "230072") {
		id, err = b.reply(ctx, o.ReplyTo, d, idem, false)
	}
	if fault.KindOf(err) == fault.NotFound && o.Chat != "" && !coded(err, "232009") {
		return b.create(ctx, o.Chat, d, idem)
	}
	return id, err
}

// sent is what a sending call answers.
type sent struct {
	ID string `json:"message_id"`
}

func (b *Bot) create(ctx context.Context, chat string, d draft, idem string) (string, error) {
	kind, id := receiver(chat)
	var out sent
	err := b.call(ctx, request{
		method: "POST", path: messages, query: url.Values{"receive_id_type": {kind}},
		body: map[string]any{"receive_id": id, "msg_type": d.kind, "content": d.content, "uuid": idem},
	}, &out)
	return out.ID, err
}

func (b *Bot) reply(ctx context.Context, to string, d draft, idem string, inThread bool) (string, error) {
	var out sent
	err := b.call(ctx, request{
		method: "POST", path: messages + "/" + url.PathEscape(to) + "/reply",
		body: map[string]any{"msg_type": d.kind, "content": d.content, "reply_in_thread": inThread, "uuid": idem},
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
		if (kind == asCard) != (d.kind == asCard) {
			continue
		}
		r := request{method: "PATCH", path: messages + "/" + url.PathEscape(id), body: map[string]any{"content": d.content}}
		if d.kind != asCard {
			r.method, r.body = "PUT", map[string]any{"msg_type": d.kind, "content": d.content}
		}
		switch err = b.call(ctx, r, nil); {
		case err == nil:
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
