package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/run"
)

// Robot is a signed group webhook: it speaks to one room and hears nothing. Its
// faults are those of Platform.Send.
type Robot interface {
	Send(ctx context.Context, o Outgoing) error
}

// Options are what a Bot needs. Service, Mailbox, Now and Logger are required.
type Options struct {
	Service   Service
	Mailbox   Mailbox
	Platforms []Platform
	Robots    map[string]Robot // signed group webhooks by name
	People    []run.Person
	Rooms     []Room
	Flows     []Flow
	Digests   []DigestPlan
	Lang      Lang    // of rooms that have none; "" = ZH
	Doctor    Doctor  // nil: there is none
	Limiter   Limiter // nil: nothing is limited
	Flood     Flood
	AdminRoom string // name of the room that hears of what cannot be delivered; "" = the flow's rooms
	// AuditHead gives the end of the audit's chain, for the digest of AdminRoom: what is
	// kept in the chat, nobody changes who changes the record. The digits are the first of
	// the hash; seq is 0 for an empty audit. nil = it is not told.
	AuditHead func(ctx context.Context) (seq int64, digits string, err error)
	// Quiet tells whether ordinary notices wait at a time; nil = never.
	Quiet func(at time.Time) bool
	// Quota is how many messages DingTalk lets the app send in a month; 0 = not
	// watched.
	Quota  int
	Zone   *time.Location // of the times in cards; nil = UTC
	Now    func() time.Time
	Logger *slog.Logger
	// Late is how old a message may be before it is answered with "too late"
	// instead of being obeyed; 0 = 10 minutes.
	Late time.Duration
	// Poll is how often the record is asked for work that nobody announced; 0 = 1 s.
	Poll time.Duration
}

// The defaults of Options.
const (
	defaultLate = 10 * time.Minute
	defaultPoll = time.Second
)

// Bot is the conversation with every room. It is safe for concurrent use.
type Bot struct {
	o         Options
	platforms map[run.Platform]Platform
	rooms     map[place]*Room
	named     map[string]*Room
	flows     map[string]*Flow // by folded name
	sessions  sessions
	claims    claims
	heard     chan struct{} // a message was claimed
	out       []*outbox     // the ways out; their bells ring when a letter was posted
	pace      *pacer
	spending  spending
}

// place names a chat on a platform.
type place struct {
	platform run.Platform
	chat     string
}

// New makes a bot. It starts nothing. Faults: Invalid, naming everything that is
// wrong with the options.
func New(o Options) (*Bot, error) {
	o.setDefaults()
	b := &Bot{
		o: o, platforms: map[run.Platform]Platform{}, rooms: map[place]*Room{}, named: map[string]*Room{}, flows: map[string]*Flow{},
		heard: make(chan struct{}, 1), pace: &pacer{Counter: NewCounter(o.Limiter, o.Now, o.Logger)},
	}
	errs := []error{o.missing()}
	for _, p := range o.Platforms {
		b.platforms[p.Name()] = p
		if a, is := p.(Aside); is {
			a.Turns(b.asideTurn)
		}
	}
	for _, way := range append(slices.Sorted(maps.Keys(b.platforms)), byRobots) {
		b.out = append(b.out, &outbox{b: b, way: way, bell: make(chan struct{}, 1), hand: inHand})
	}
	for i := range b.o.Rooms {
		errs = append(errs, b.addRoom(&b.o.Rooms[i]))
	}
	for i := range b.o.Flows {
		errs = append(errs, b.addFlow(&b.o.Flows[i]))
	}
	for i := range b.o.Digests {
		errs = append(errs, b.checkDigest(&b.o.Digests[i]))
	}
	if o.AdminRoom != "" {
		errs = append(errs, b.knowRooms("the admin room", []string{o.AdminRoom}))
	}
	if err := errors.Join(errs...); err != nil {
		names := strings.ReplaceAll(err.Error(), "\n", "; ")
		return nil, fault.Wrap(fault.Invalid, err, "the configuration of the conversation is wrong: %s / 聊天部分的配置不对：%s", names, names)
	}
	return b, nil
}

func (o *Options) setDefaults() {
	if o.Lang == "" {
		o.Lang = ZH
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Late == 0 {
		o.Late = defaultLate
	}
	if o.Poll == 0 {
		o.Poll = defaultPoll
	}
	o.Flood.setDefaults()
}

func (o *Options) missing() error {
	var errs []error
	need := func(name string, there bool) {
		if !there {
			errs = append(errs, errors.New(name+" is missing"))
		}
	}
	need("service", o.Service != nil)
	need("mailbox", o.Mailbox != nil)
	need("clock", o.Now != nil)
	need("logger", o.Logger != nil)
	return errors.Join(errs...)
}

func (b *Bot) addRoom(r *Room) error {
	if r.Lang == "" {
		r.Lang = b.o.Lang
	}
	if _, twice := b.named[r.Name]; twice {
		return fmt.Errorf("room %q stands twice", r.Name)
	}
	b.named[r.Name] = r
	if _, known := b.o.Robots[r.Webhook]; r.Webhook != "" && !known {
		return fmt.Errorf("room %q names the unknown webhook %q", r.Name, r.Webhook)
	}
	if r.Chat == "" {
		return nil // a webhook alone
	}
	at := place{r.Platform, r.Chat}
	if other, twice := b.rooms[at]; twice {
		return fmt.Errorf("rooms %q and %q are the same chat", other.Name, r.Name)
	}
	b.rooms[at] = r
	return nil
}

func (b *Bot) addFlow(f *Flow) error {
	var errs []error
	if _, twice := b.flows[fold(f.Name)]; twice {
		errs = append(errs, fmt.Errorf("flow %q stands twice", f.Name))
	}
	b.flows[fold(f.Name)] = f
	return errors.Join(append(errs, b.knowRooms("flow "+f.Name, f.Rooms))...)
}

func (b *Bot) checkDigest(d *DigestPlan) error {
	if d.Zone == nil {
		d.Zone = b.o.Zone
	}
	var errs []error
	if d.Hour < 0 || d.Hour > 23 || d.Minute < 0 || d.Minute > 59 {
		errs = append(errs, fmt.Errorf("a digest at %02d:%02d", d.Hour, d.Minute))
	}
	return errors.Join(append(errs, b.knowRooms("a digest", d.Rooms))...)
}

func (b *Bot) knowRooms(who string, rooms []string) error {
	var errs []error
	for _, name := range rooms {
		if _, known := b.named[name]; !known {
			errs = append(errs, fmt.Errorf("%s names the unknown room %q", who, name))
		}
	}
	return errors.Join(errs...)
}
