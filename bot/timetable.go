package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// digestGrace is how late a digest may still be posted, after the process was
	// down at its time.
	digestGrace = time.Hour
	weekDays    = 7
	// digestSpread is within how many seconds of their time digests are sent.
	digestSpread = 60
	// mostPosted is of how many digests is remembered that they were posted.
	mostPosted = 10_000
	// setHeld is what was kept back from a room until its next digest: a list of
	// lines, named by the room.
	setHeld = run.SettingKind("held")
)

// timetable posts the digests at their times.
type timetable struct {
	b      *Bot
	posted map[string]bool // ids of letters
	unread map[string]bool // settings that were logged as unreadable
}

func newTimetable(b *Bot) *timetable {
	return &timetable{b: b, posted: map[string]bool{}, unread: map[string]bool{}}
}

// step posts what is due. The id of a digest is that of its room and time, so
// that of several replicas one posts it. What was set in the chat of a room goes
// before the configuration.
func (t *timetable) step(ctx context.Context) (more bool, err error) {
	set, err := t.set(ctx)
	if err != nil {
		return false, err
	}
	now := t.b.o.Now()
	var errs []error
	try := func(d *DigestPlan, room *Room, notBefore time.Time) {
		at, ok := d.last(now)
		if !ok || now.Sub(at) > digestGrace || at.Before(notBefore) {
			return
		}
		_, err := t.b.survived(ctx, "digest", func(ctx context.Context) (bool, error) { return false, t.post(ctx, d, room, at) })
		errs = append(errs, err) // the other rooms get theirs
	}
	for i := range t.b.o.Digests {
		d := &t.b.o.Digests[i]
		for _, name := range d.Rooms {
			if _, replaced := set[name]; !replaced {
				try(d, t.b.named[name], time.Time{})
			}
		}
	}
	for i := range t.b.o.Rooms {
		room := &t.b.o.Rooms[i]
		if s, there := set[room.Name]; there && !s.off {
			try(&s.plan, room, s.since)
		}
	}
	return false, errors.Join(errs...)
}

// chatDigest is when a room gets its digest, as somebody set it in the chat.
type chatDigest struct {
	plan  DigestPlan
	off   bool
	since time.Time // when it was set: an earlier time is not made up for
}

// set gives what was set in the chat, by room. What cannot be read leaves the
// configuration as it is.
func (t *timetable) set(ctx context.Context) (map[string]chatDigest, error) {
	all, err := t.b.o.Mailbox.Settings(ctx, run.SetDigest)
	if err != nil {
		return nil, fmt.Errorf("read digest times: %w", err)
	}
	set := map[string]chatDigest{}
	for _, s := range all {
		d, err := t.b.chatDigest(s)
		switch {
		case err == nil:
			set[s.Name] = d
		case !t.unread[s.Name]:
			t.unread[s.Name] = true
			t.b.o.Logger.ErrorContext(ctx, "digest time cannot be read", "room", s.Name, "err", err)
		}
	}
	return set, nil
}

// chatDigest reads one setting.
func (b *Bot) chatDigest(s run.Setting) (chatDigest, error) {
	var v DigestSetting
	if err := json.Unmarshal(s.Value, &v); err != nil {
		return chatDigest{}, fmt.Errorf("decode digest time: %w", err)
	}
	d := chatDigest{plan: DigestPlan{Rooms: []string{s.Name}, Days: v.Days, Zone: b.o.Zone}, off: v.Off, since: s.At}
	var ok bool
	if d.plan.Hour, d.plan.Minute, ok = v.Clock(); !ok && !v.Off {
		return d, errors.New("the digest has no time of the day")
	}
	return d, nil
}

func (t *timetable) post(ctx context.Context, d *DigestPlan, room *Room, at time.Time) error {
	id := letterID("digest", room.Name, at.Format("2006-01-02 15:04"))
	if len(t.posted) > mostPosted {
		clear(t.posted) // the record knows as well
	}
	if t.posted[id] {
		return nil
	}
	// What was kept back since must not go down with a letter that is left alone.
	told, err := t.b.o.Mailbox.Tally(ctx, "digest:"+id, 0)
	if err != nil {
		return fmt.Errorf("look for digest: %w", err)
	}
	if t.posted[id] = told > 0; told > 0 {
		return nil
	}
	l, chosen := t.b.chosenLang(ctx, room)
	if !chosen {
		l = cmp.Or(d.Lang, room.Lang)
	}
	a := audience{platform: room.Platform, chat: room.Chat, lang: l, webhook: room.Webhook}
	if room.Webhook != "" {
		a.robot = true // digests are the webhook's work
	} else if voiced, ok := t.b.voice(a); ok {
		a = voiced
	} else {
		t.posted[id] = true
		t.b.o.Logger.WarnContext(ctx, "nobody can post the digest", "room", room.Name)
		return nil
	}
	e := edition{lang: l, audit: t.b.forAdmins(room)}
	for i := range t.b.o.Flows {
		if f := &t.b.o.Flows[i]; room.shows(f) {
			e.flows = append(e.flows, f)
		}
	}
	e.since, _ = d.last(at.Add(-time.Minute))
	if e.held, err = t.b.keptBack(ctx, room); err != nil {
		return err
	}
	card, err := t.b.digest(ctx, e)
	if err != nil {
		return fmt.Errorf("make digest: %w", err)
	}
	letter := t.b.letter(id, lane(a.platform, a.where(), "digest"), a.to(card))
	letter.Due = t.b.digestDue(room, at)
	if err := t.b.o.Mailbox.Post(ctx, []run.Letter{letter}); err != nil {
		return fmt.Errorf("post digest: %w", err)
	}
	t.posted[id] = true
	t.b.ringOut()
	if told, err = t.b.o.Mailbox.Tally(ctx, "digest:"+id, 1); err != nil || told > 1 {
		return err // another replica was faster, and let go what it told
	}
	return t.b.letGo(ctx, room, e.held)
}

// digestDue gives when a digest is sent: at its time, but never in the same
// second as that of another room which the same robot speaks to.
func (b *Bot) digestDue(room *Room, at time.Time) time.Time {
	due := at.Add(time.Duration(b.digestSecond(room)) * time.Second)
	if late := b.o.Now().Sub(due); late > 0 { // the second of the minute stays
		due = due.Add(late.Truncate(time.Minute) + time.Minute)
	}
	return due
}

// digestSecond gives the second of a room: one of its own among those that the
// same robot speaks to, the same in every replica.
func (b *Bot) digestSecond(room *Room) int {
	var names []string
	for i := range b.o.Rooms {
		if r := &b.o.Rooms[i]; r.speaker() == room.speaker() {
			names = append(names, r.Name)
		}
	}
	slices.Sort(names)
	taken := map[int]bool{}
	for _, name := range names {
		h := fnv.New32a()
		_, _ = h.Write([]byte(name)) // it never fails
		second := int(h.Sum32() % digestSpread)
		for taken[second] && len(taken) < digestSpread {
			second = (second + 1) % digestSpread
		}
		if taken[second] = true; name == room.Name {
			return second
		}
	}
	return 0
}

// speaker names who posts a room's digest.
func (r *Room) speaker() string {
	if r.Webhook != "" {
		return "webhook:" + r.Webhook
	}
	return string(r.Platform)
}

// keptBack gives the notices that were kept back from a room.
func (b *Bot) keptBack(ctx context.Context, room *Room) ([]string, error) {
	var lines []string
	_, err := b.setting(ctx, setHeld, room.Name, &lines)
	return lines, err
}

// letGo drops what a digest has told from what is kept back. What came meanwhile
// stays for the next one, and of a full list the oldest may have gone by itself.
func (b *Bot) letGo(ctx context.Context, room *Room, told []string) error {
	if len(told) == 0 {
		return nil
	}
	now, err := b.keptBack(ctx, room)
	if err != nil {
		return err
	}
	for len(told) > len(now) || !slices.Equal(now[:len(told)], told) {
		told = told[1:]
	}
	if len(told) == 0 {
		return nil // another replica did
	}
	s := run.Setting{Kind: setHeld, Name: room.Name}
	if rest := now[len(told):]; len(rest) > 0 {
		if s.Value, err = json.Marshal(rest); err != nil {
			return fmt.Errorf("encode what is kept back: %w", err)
		}
	}
	if err := b.o.Mailbox.Set(ctx, s); err != nil {
		return fmt.Errorf("let go what was kept back: %w", err)
	}
	return nil
}

// last gives the newest time of the plan that is not after now.
func (d *DigestPlan) last(now time.Time) (time.Time, bool) {
	local := now.In(d.Zone)
	for back := range weekDays + 1 {
		at := time.Date(local.Year(), local.Month(), local.Day()-back, d.Hour, d.Minute, 0, 0, d.Zone)
		if !at.After(now) && (len(d.Days) == 0 || slices.Contains(d.Days, at.Weekday())) {
			return at, true
		}
	}
	return time.Time{}, false
}
