package bot

import (
	"context"
	"fmt"
)

// forAdmins tells whether a room is that of the admins.
func (b *Bot) forAdmins(room *Room) bool { return b.o.AdminRoom != "" && room.Name == b.o.AdminRoom }

// chain tells the end of the audit's chain, and how it is held against the record
// later. Nothing without an audit.
func (d *summary) chain(ctx context.Context) []Section {
	if d.b.o.AuditHead == nil {
		return nil
	}
	l, title := d.l, d.l.say("Audit log", "审计日志")
	seq, digits, err := d.b.o.AuditHead(ctx)
	switch {
	case err != nil:
		d.b.o.Logger.ErrorContext(ctx, "audit head is not read", "err", err)
		return []Section{{Title: title, Lines: []Line{text(l.say("Its end cannot be read now, see the log.", "暂时读不到链尾，请看日志。"))}}}
	case seq == 0:
		return nil
	}
	head := fmt.Sprintf("%d:%s", seq, digits)
	return []Section{{Title: title, Lines: []Line{
		{plain(l.say("It ends at row %d, hash ", "现在到第 %d 行，哈希 ", seq)), code(digits), plain(l.say(". Keep this message: it proves later that nothing up to here was changed or cut off.", "。请保留这条消息：以后可以用它证明，到这一行为止没有被改动或截断。"))},
		{plain(l.say("To check, on the server: ", "核对方法，在服务器上执行：")), code("rollcall audit verify --head " + head)},
	}}}
}
