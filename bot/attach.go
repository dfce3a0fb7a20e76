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
		return o.WithoutFile(o.Lang.say("No file can be sent here.", "这里不能发送文件。")), nil
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
	return o.WithoutFile(o.Lang.say("The file cannot be made: %s.", "文件无法生成：%s。", o.Lang.of(fault.Say(err)))), nil
}

// WithoutFile is a letter whose file is left out, with the reason, a whole
// sentence in the letter's language, and where else the file's content is to be had.
func (o Outgoing) WithoutFile(why string) Outgoing {
	line := Line{plain(why + o.Lang.say(" On the server, run: ", "在服务器上可以运行：")), code("rollcall runs " + string(o.File.Run))}
	o.Card.Sections = append(slices.Clip(o.Card.Sections), Section{Lines: []Line{line}})
	o.File = nil
	return o
}

// FileNotSent is WithoutFile for a platform that refused the file.
func (o Outgoing) FileNotSent(cause error) Outgoing {
	return o.WithoutFile(o.Lang.say("The file was not sent: %s.", "文件没有发出：%s。", o.Lang.of(fault.Say(cause))))
}
