package dingtalkbot

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/rollcallhq/rollcall/bot"
	"github.com/rollcallhq/rollcall/bot/markdown"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// stepCard is the uppermost step of the ladder, as logged; the others are the
// kinds of letters.
const stepCard = "interactive_card"

// maxParts is in how many messages one answer may come: robots that say more
// than 20 things a minute are silenced, and the free edition counts each.
const maxParts = 5

// way is how letters go out.
type way struct {
	name string
	form form
	post func(ctx context.Context, l letter, key string) error
}

// steps gives the kinds in which a card can be said, the best first.
func steps(o bot.Outgoing) []string {
	switch {
	case o.Card.Plain:
		return []string{kindText, kindTitle}
	case len(o.Card.Buttons) > 0:
		return []string{kindCard, kindMark, kindText, kindTitle}
	default:
		return []string{kindMark, kindText, kindTitle}
	}
}

// descend says a card by one way, in the first kind that is taken, and notes
// which one it was. What is too long is tried again in shorter parts, what the
// content check stops by its title alone.
func (b *Bot) descend(ctx context.Context, o bot.Outgoing, w way, idem string) error {
	var err error
	for i, kind := range steps(o) {
		if censoredFault(err) && kind != kindTitle {
			continue
		}
		if tooLong(err) {
			w.form.limit /= 2
		}
		refused := err
		if err = b.sendParts(ctx, b.draw(o, kind, w.form), w, idem); err == nil {
			if i > 0 {
				b.o.Logger.WarnContext(ctx, "message sent in a lesser form", "system", "dingtalk", "step", kind, "way", w.name, "err", refused)
			} else {
				b.o.Logger.InfoContext(ctx, "message sent", "system", "dingtalk", "step", kind, "way", w.name)
			}
			return nil
		}
		if fault.KindOf(err) != fault.Invalid && !censoredFault(err) {
			return err
		}
	}
	return err
}

// sendParts sends the letters of one drawing. A second try with the same key goes
// on where the first broke off.
func (b *Bot) sendParts(ctx context.Context, parts []letter, w way, idem string) error {
	if len(parts) == 0 {
		return say(fault.Invalid, "there is nothing to say / 没有要说的内容")
	}
	if len(parts) == 1 {
		return w.post(ctx, parts[0], idem)
	}
	mark := idem + "/" + w.name + "/" + parts[0].kind + "/" + strconv.Itoa(len(parts))
	sent, _ := b.begun.get(mark)
	for i := len(sent); i < len(parts); i++ {
		if err := w.post(ctx, parts[i], idem+"/"+strconv.Itoa(i)); err != nil {
			return err
		}
		sent += "."
		b.begun.set(mark, sent)
	}
	b.begun.forget(mark)
	return nil
}

// titleOnly is what is left when the words themselves are not let through: the
// title says kind, code and counts, and holds no data of a person.
func titleOnly(o bot.Outgoing) bot.Outgoing {
	rest := "（这条消息的其余内容钉钉没有放行）"
	if o.Lang == bot.EN {
		rest = " (DingTalk did not take the rest of this message)"
	}
	o.Card = bot.Card{Title: o.Card.Title + rest, Tone: o.Card.Tone, Plain: true}
	return o
}

// pieces cuts a text into parts that are no larger than room as JSON.
func pieces(text string, room int) []string {
	for n := max(room, 1); ; n = max(n*9/10, 1) {
		out := markdown.Split(text, n)
		fits := true
		for _, piece := range out {
			fits = fits && sizeOf(piece) <= room
		}
		if fits || n == 1 {
			return out
		}
	}
}

// tooLong tells whether the size is the reason.
func tooLong(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	return ok && (f.Code == "460101" || f.Code == "101002" || strings.Contains(f.Code, "tooLong"))
}

// censoredFault tells whether the words themselves are the reason.
func censoredFault(err error) bool {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return false
	}
	switch f.Code {
	case "430101", "430102", "430103", "430104", "param.contentUnsafe":
		return true
	}
	return strings.Contains(f.Code, "contain.notAllowed")
}

// begunLimit bounds what is remembered of unfinished answers; at worst something
// is said twice.
const begunLimit = 256

// begun remembers how far answers came whose sending ended in an error.
type begun struct {
	mu   sync.Mutex
	done map[string]string
}

func (p *begun) get(key string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v, there := p.done[key]
	return v, there
}

func (p *begun) set(key, v string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil || len(p.done) >= begunLimit {
		p.done = map[string]string{}
	}
	p.done[key] = v
}

func (p *begun) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.done, key)
}
