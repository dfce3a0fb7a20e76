package longconn

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	larkevent "github.com/larksuite/oapi-sdk-go/v3/event"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher"
	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"
)

// botTypes are what the console offers to an app with a bot. All of them must
// be known to the vendor's client, which refuses the rest.
func botTypes() []string {
	return []string{
		"im.message.receive_v1", "im.message.message_read_v1", "im.message.recalled_v1", "im.message.updated_v1",
		"im.message.reaction.created_v1", "im.message.reaction.deleted_v1", "im.message.bot_muted_v1",
		"im.chat.access_event.bot_p2p_chat_entered_v1", "im.chat.disbanded_v1", "im.chat.updated_v1",
		"im.chat.member.bot.added_v1", "im.chat.member.bot.deleted_v1",
		"im.chat.member.user.added_v1", "im.chat.member.user.deleted_v1", "im.chat.member.user.withdrawn_v1",
		"application.bot.menu_v6",
		"contact.user.created_v3", "contact.user.updated_v3", "contact.user.deleted_v3",
		"contact.department.created_v3", "contact.department.updated_v3", "contact.department.deleted_v3",
		"contact.scope.updated_v3", "contact.employee_type_enum.created_v3", "contact.employee_type_enum.updated_v3",
		"contact.employee_type_enum.deleted_v3", "contact.employee_type_enum.actived_v3",
		"contact.employee_type_enum.deactivated_v3", "contact.custom_attr_event.updated_v3",
	}
}

// events passes what the vendor's dispatcher finds on to Handle, undecoded.
type events struct {
	handle     Handle
	dispatcher *dispatcher.EventDispatcher
}

// newEvents makes the one dispatcher of a Listen: each new one prints a line.
// Key and token stay empty: nothing is sealed or signed on this connection.
func newEvents(o *Options) *events {
	e := &events{handle: o.Handle, dispatcher: dispatcher.NewEventDispatcher("", "")}
	types := append(botTypes(), o.Types...)
	slices.Sort(types)
	for _, kind := range slices.Compact(types) {
		if kind != "card.action.trigger" && kind != "app_ticket" { // the first is below, the second is the SDK's own
			e.dispatcher.OnCustomizedEvent(kind, e.event)
		}
	}
	e.dispatcher.OnP2CardActionTrigger(e.press)
	return e
}

// event hands on what has no answer. For these the vendor's client gives the
// payload as it came.
func (e *events) event(ctx context.Context, req *larkevent.EventReq) error {
	_, err := e.handle(ctx, req.Body)
	return err
}

// press hands on a pressed button and gives the answer. The vendor's client
// wants a struct of its own, and never nil: it would answer with nothing.
func (e *events) press(ctx context.Context, in *callback.CardActionTriggerEvent) (*callback.CardActionTriggerResponse, error) {
	out := &callback.CardActionTriggerResponse{}
	if in.EventReq == nil {
		return out, nil
	}
	raw, err := e.handle(ctx, in.Body)
	if err != nil || len(raw) == 0 {
		return out, err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return out, fmt.Errorf("read answer to a press: %w", err)
	}
	return out, nil
}
