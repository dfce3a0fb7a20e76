package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// askTime is how long two systems may be asked for one person: the next message
// waits meanwhile.
const askTime = 15 * time.Second

// whois tells what is known of a person, to the caller alone.
func (b *Bot) whois(ctx context.Context, c caller, cmd Command) (reply, error) {
	flows := b.visible(c)
	if cmd.Flow != "" {
		f, ok := b.seen(c, cmd.Flow)
		if !ok {
			return b.noFlow(c, specOf(Whois), cmd.Flow), nil
		}
		flows = []*Flow{f}
	}
	q, err := b.query(c, cmd)
	if err != nil {
		return notice(Warn, c.lang.sentence(err), c.lang.search()), nil
	}
	names := make([]string, 0, len(flows))
	for _, f := range flows {
		names = append(names, f.Name)
	}
	asking, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	all, err := b.o.Service.Whois(asking, q, names)
	if err != nil {
		return b.untold(ctx, c, cmd, err)
	}
	all = slices.DeleteFunc(all, func(p run.Profile) bool { return !slices.Contains(names, p.Flow) })
	if len(all) == 0 {
		return b.nobody(c, cmd), nil
	}
	return reply{card: b.profileCard(c.lang, cmd, all), private: true}, nil
}

// query says whom a command means. Faults: Invalid when it names nobody, or
// when several people who were mentioned bear the name: nobody is guessed.
func (b *Bot) query(c caller, cmd Command) (run.Query, error) {
	word := strings.TrimSpace(cmd.Person)
	name, at := strings.CutPrefix(word, "@")
	name = strings.TrimSpace(name)
	if !at && name != "" {
		return run.Query{Text: name}, nil
	}
	ids := mentioned(c.m, word)
	switch {
	case len(ids) == 1:
		return run.Query{IDs: b.allIDs(c.m.Platform, ids[0])}, nil
	case len(ids) > 1:
		return run.Query{}, fault.New(fault.Invalid, "several people named “%s” are mentioned; nobody was looked up / 消息里提到了几个叫“%s”的人，没有查询", label(name), label(name))
	case name == "":
		return run.Query{}, fault.New(fault.Invalid, "the command does not say who / 没有写要查谁")
	default:
		return run.Query{Text: name}, nil // an @ that was typed by hand
	}
}

// allIDs gives the ids by which the systems may know a mentioned account: all
// of the person's, when the configuration knows who that is.
func (b *Bot) allIDs(on run.Platform, id string) []string {
	ids := []string{id}
	var owner *run.Person
	for i := range b.o.People {
		if slices.Contains(b.o.People[i].Accounts, run.Account{Platform: on, ID: id}) {
			if owner != nil {
				return ids // an account that two claim belongs to nobody
			}
			owner = &b.o.People[i]
		}
	}
	if owner == nil {
		return ids
	}
	for _, a := range owner.Accounts {
		if bare := strings.TrimPrefix(a.ID, "user_id:"); bare != "" && !slices.Contains(ids, bare) {
			ids = append(ids, bare)
		}
	}
	return ids
}

// untold says why a person cannot be told of. The list of those who fit goes to
// the caller alone: it names people.
func (b *Bot) untold(ctx context.Context, c caller, cmd Command, err error) (reply, error) {
	l := c.lang
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return b.nobody(c, cmd), nil
	case fault.KindOf(err) == fault.Conflict:
		r := notice(Warn, l.say("Several people fit; nobody was picked", "符合的不止一人，没有猜是哪一位"), l.sentence(err), l.search())
		r.private = true
		return r, nil
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil:
		b.o.Logger.WarnContext(ctx, "systems do not answer in time", "verb", string(cmd.Verb), "took", askTime.String(), "err", err)
		return notice(Warn, l.say("The systems did not answer within %d seconds; nothing was changed", "系统在 %d 秒内没有回答，没有改动任何账号", int(askTime/time.Second)),
			l.say("Send it again in a moment, or look with “doctor”.", "请稍后再发一次，或先发“体检”看看原因。")), nil
	}
	return b.refused(c, cmd, subject{}, err)
}

// nobody says that nobody was found. Who typed a name knows it: the room may
// hear that.
func (b *Bot) nobody(c caller, cmd Command) reply {
	l := c.lang
	lines := []string{l.search()}
	if cmd.Flow != "" {
		lines = append(lines, l.say("Only the flow %s was searched.", "只在流程 %s 里查过。", label(cmd.Flow)))
	}
	return notice(Warn, l.say("Nobody is found by “%s”", "没有找到“%s”", label(masked(cmd.Person))), lines...)
}

// search says how somebody can be looked up.
func (l Lang) search() string {
	return l.say("Search by a mention, the employee number, the mail address, an account's id, or the exact name.", "可以用 @提及、工号、邮箱、账号的 id，或一字不差的姓名来查。")
}
