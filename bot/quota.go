package bot

import (
	"context"
	"strconv"
	"sync"

	"github.com/rollcallhq/rollcall/sync/run"
)

// spending remembers how much of DingTalk's monthly quota is used, so that the
// record is not asked before each message.
type spending struct {
	mu    sync.Mutex
	month string
	used  int
	told  int // the highest mark that was told this month, in percent
}

// spend counts what the app sent by DingTalk. Answers to a session webhook count:
// that they are free is documented nowhere (dingtalk.md §6.6).
func (b *Bot) spend(ctx context.Context, o Outgoing) {
	if o.Platform != run.DingTalk || o.Robot != "" || b.platforms[run.DingTalk] == nil {
		return
	}
	name := b.quotaName()
	n, err := b.o.Mailbox.Tally(ctx, name, 1)
	if err != nil {
		b.o.Logger.WarnContext(ctx, "message is not counted", "platform", o.Platform, "err", err)
		return
	}
	b.spending.keep(name, n)
	b.warnQuota(ctx, name, n)
}

func (b *Bot) quotaName() string { return "dingtalk:app:" + b.o.Now().In(b.o.Zone).Format("2006-01") }

func (s *spending) keep(month string, used int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.month != month {
		s.month, s.told = month, 0
	}
	s.used = used
}

// known gives what is used of a month, false when that was not asked yet.
func (s *spending) known(month string) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used, s.month == month
}

// tell notes a mark, and tells whether it is news.
func (s *spending) tell(mark int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := mark > s.told
	s.told = max(s.told, mark)
	return news
}

const wholePercent = 100

// marks are at how many percent of the quota the admins are told.
func marks() []int { return []int{95, 80} }

func (b *Bot) warnQuota(ctx context.Context, name string, used int) {
	for _, mark := range marks() {
		if b.o.Quota <= 0 || used*wholePercent < mark*b.o.Quota {
			continue
		}
		if !b.spending.tell(mark) {
			return
		}
		a := alarm{id: "quota " + name + " " + strconv.Itoa(mark), say: func(l Lang) (string, []string) { return b.quotaText(l, used) }}
		if err := b.o.Mailbox.Post(ctx, b.sound(ctx, a)); err != nil {
			b.o.Logger.ErrorContext(ctx, "alarm is not posted", "err", err)
		}
		b.ringOut()
		return
	}
}

func (b *Bot) quotaText(l Lang, used int) (string, []string) {
	return l.say("Alarm · DingTalk's monthly quota: %d of %d used", "告警 · 钉钉本月消息额度：已用 %d / %d", used, b.o.Quota), []string{
		l.say("When it is used up only answers, failures, alarms and requests for a vote are sent; the rest comes with the next digest.",
			"用完之后只发送回答、失败、告警和审批请求，其余并入下一次日报。"),
		l.say("Buy more at DingTalk, or let a group webhook post the digests (rooms[].webhook).", "可以在钉钉购买额度，或改由群 webhook 发日报（rooms[].webhook）。"),
	}
}

// overQuota tells whether a letter is left out because the quota is for what
// matters.
func (b *Bot) overQuota(ctx context.Context, o Outgoing) bool {
	if b.o.Quota <= 0 || o.Platform != run.DingTalk || o.Robot != "" || o.matters() {
		return false
	}
	name := b.quotaName()
	used, known := b.spending.known(name)
	if !known {
		n, err := b.o.Mailbox.Tally(ctx, name, 0)
		if err != nil {
			return false // it is sent: DingTalk says itself when that was too much
		}
		used = n
		b.spending.keep(name, n)
	}
	return used >= b.o.Quota
}

// matters tells what is sent in any case: an answer, a request for a vote, and
// what went wrong.
func (o Outgoing) matters() bool {
	return o.Answer || o.Asks != "" || o.To != "" || o.Card.Tone == Danger || o.Card.Tone == Waits
}

// quota says how much of the month's messages is used; false when nobody watches
// it.
func (b *Bot) quota(ctx context.Context, l Lang) (line string, ok bool) {
	if b.o.Quota <= 0 || b.platforms[run.DingTalk] == nil {
		return "", false
	}
	used, err := b.o.Mailbox.Tally(ctx, b.quotaName(), 0)
	if err != nil {
		b.o.Logger.WarnContext(ctx, "quota cannot be read", "err", err)
		return "", false
	}
	percent := used * wholePercent / b.o.Quota
	return l.say("DingTalk messages this month: %d of %d (%d %%)", "钉钉本月消息：%d / %d（%d%%）", used, b.o.Quota, percent), true
}
