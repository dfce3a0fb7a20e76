package bot

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// undo plans the inverse of a run. The message's own id is the request's, as in
// start. The engine judges again, and says item by item what cannot be undone.
func (b *Bot) undo(ctx context.Context, c caller, cmd Command) (reply, error) {
	s := specOf(Undo)
	r, _, f, err := b.find(ctx, c, cmd.Code)
	switch {
	case err != nil:
		return b.notFound(c, cmd, err)
	case !permits(s, c.person, f):
		return b.lacks(c, s, f), nil
	case c.room == nil || !c.room.commands(f):
		return b.notHere(c, f), nil
	}
	why, err := b.notUndone(ctx, c.lang, r, cmd.Item)
	if err != nil || why != "" {
		return notice(Warn, c.lang.say("Nothing was undone: %s", "没有撤销：%s", r.Code), why, c.lang.say("See: status %s", "可查看：状态 %s", r.Code)), err
	}
	if f.Paused {
		return notice(Warn, c.lang.say("%s is paused; nothing was undone", "%s 已暂停，没有撤销", f.Name),
			c.lang.say("Resume the flow first, then send it again.", "请先恢复流程，再发一次。")), nil
	}
	started, err := b.o.Service.Start(ctx, run.Request{
		ID: c.id, Flow: r.Flow, Apply: true, Trigger: run.ByCommand, By: c.actor, Thread: c.thread(), Weak: c.m.Weak, Undoes: r.Code, Item: cmd.Item,
	})
	switch kind := fault.KindOf(err); {
	case kind == fault.Conflict || kind == fault.Stale || kind == fault.Unsupported:
		return notice(Warn, c.lang.say("Nothing was undone: %s", "没有撤销：%s", r.Code), c.lang.sentence(err)), nil
	case err != nil:
		return b.refused(c, cmd, subject{run: r}, err)
	}
	return b.live(ctx, c, started)
}

// notUndone says why a run, or one item of it, cannot be undone; "" when it may
// be.
func (b *Bot) notUndone(ctx context.Context, l Lang, r run.Run, item int) (string, error) {
	switch {
	case !r.State.Ended():
		return l.say("It has not ended yet (%s). Cancel it first if it must stop.", "它还没有结束（%s）。要让它停下，请先发“取消”。", l.state(r.State)), nil
	case r.Outcome.Done+r.Outcome.InDoubt == 0:
		return l.say("It changed nothing.", "它没有改动任何账号。"), nil
	case item == 0:
		return "", nil
	}
	entries, err := b.o.Service.Entries(ctx, r.Code)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(entries, func(e run.Entry) bool { return e.Seq == item })
	switch {
	case i < 0:
		return l.say("It has no item #%d.", "它没有 #%d。", item), nil
	case entries[i].Step != run.StepDone && entries[i].Step != run.StepInDoubt:
		return l.say("#%d changed nothing (%s).", "#%d 没有改动账号（%s）。", item, l.step(entries[i].Step)), nil
	}
	return "", nil
}
