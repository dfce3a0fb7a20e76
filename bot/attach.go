package bot

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// attached fills the file of a letter just before it is sent. Where no file can
// be sent, or it cannot be made, the card says so and how to get it. An error
// means that it may be there later.
func (b *Bot) attached(ctx context.Context, o Outgoing) (Outgoing, error) {
	if o.File == nil {
		return o, nil
	}
	p, there := b.platforms[o.Platform]
	if o.Robot != "" || there && !p.Can().Files {
		return o.without(o.Lang.say("No file can be sent here.", "这里不能发送文件。")), nil
	}
	f := *o.File
	data, err := b.table(ctx, f, o.Lang)
	switch {
	case err == nil:
		f.Data = data
		o.File = &f
		return o, nil
	case passing(err) || ctx.Err() != nil:
		return o, err
	}
	b.o.Logger.ErrorContext(ctx, "file cannot be made", "run", f.Run, "kind", fault.KindOf(err), "err", err)
	return o.without(o.Lang.say("The file cannot be made: ", "文件无法生成：") + o.Lang.of(fault.Say(err))), nil
}

// without is a letter whose file is left out, with the reason and the way on.
func (o Outgoing) without(why string) Outgoing {
	l, code := o.Lang, o.File.Run
	way := l.say("On the server this prints the whole plan: rollcall runs %s", "在服务器上执行可以看到整个计划：rollcall runs %s", code)
	o.Card.Sections = append(slices.Clip(o.Card.Sections), Section{Lines: []Line{text(why), text(way)}})
	o.File = nil
	return o
}
