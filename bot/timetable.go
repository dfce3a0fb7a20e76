package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/run"
)

const (
	// digestGrace is how late a digest may still be posted, after the process was
	// down at its time.
	digestGrace = time.Hour
	weekDays    = 7
)

// timetable posts the digests at their times.
type timetable struct {
	b      *Bot
	posted map[string]bool // ids of letters
}

func newTimetable(b *Bot) *timetable { return &timetable{b: b, posted: map[string]bool{}} }

// step posts what is due. The id of a digest is that of its room and time, so
// that of several replicas one posts it.
func (t *timetable) step(ctx context.Context) (more bool, err error) {
	now := t.b.o.Now()
	var errs []error
	for i := range t.b.o.Digests {
		d := &t.b.o.Digests[i]
		at, ok := d.last(now)
		if !ok || now.Sub(at) > digestGrace {
			continue
		}
		for _, name := range d.Rooms {
			_, err := t.b.survived(ctx, "digest", func(ctx context.Context) (bool, error) {
				return false, t.post(ctx, d, t.b.named[name], at)
			})
			errs = append(errs, err) // the other rooms get theirs
		}
	}
	return false, errors.Join(errs...)
}

func (t *timetable) post(ctx context.Context, d *DigestPlan, room *Room, at time.Time) error {
	id := letterID("digest", room.Name, at.Format("2006-01-02 15:04"))
	if t.posted[id] {
		return nil
	}
	l := d.Lang
	if l == "" {
		l = room.Lang
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
	var flows []*Flow
	for i := range t.b.o.Flows {
		if f := &t.b.o.Flows[i]; room.shows(f) {
			flows = append(flows, f)
		}
	}
	since, _ := d.last(at.Add(-time.Minute))
	card, err := t.b.digest(ctx, l, flows, since)
	if err != nil {
		return fmt.Errorf("make digest: %w", err)
	}
	letter := t.b.letter(id, lane(a.platform, a.where(), "digest"), a.to(card))
	if err := t.b.o.Mailbox.Post(ctx, []run.Letter{letter}); err != nil {
		return fmt.Errorf("post digest: %w", err)
	}
	t.posted[id] = true
	t.b.ringOut()
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
