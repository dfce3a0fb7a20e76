package ldapdir

import (
	"context"
	"sync"
	"time"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// Waits of a watch between two connections.
const (
	watchFirst = time.Second
	watchMost  = 2 * time.Minute
)

// Watch tells of changes until ctx ends: with OpenLDAP by a persistent search
// (RFC 4533), with Active Directory by asking DirSync again and again. It holds
// connections of its own, one for each kind of object.
func (c *Connector) Watch(ctx context.Context, tell func([]directory.Hint)) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		fatal error
	)
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	together := func(hints []directory.Hint) {
		mu.Lock()
		defer mu.Unlock()
		if len(hints) > 0 && inner.Err() == nil {
			tell(hints)
		}
	}
	for _, kind := range []directory.Kind{directory.User, directory.Department} {
		wg.Go(func() {
			if err := c.watchKind(inner, kind, together); err != nil {
				mu.Lock()
				defer mu.Unlock()
				if fatal == nil {
					fatal = err
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fatal
}

// follower is the state of a watch that outlives a connection.
type follower interface {
	// follow reads changes on one connection until it breaks. moved is called
	// whenever the server has answered.
	follow(ctx context.Context, l *line, moved func()) error
}

// watchKind follows one kind of object, connecting again and again.
func (c *Connector) watchKind(ctx context.Context, kind directory.Kind, tell func([]directory.Hint)) error {
	var f follower
	wait := watchFirst
	for {
		err := func() error {
			l, err := c.connect(ctx)
			if err != nil {
				return err
			}
			defer l.cut()
			if f == nil {
				if f, err = c.newFollower(l, kind, tell); err != nil {
					return err
				}
			}
			done := l.guard(ctx)
			defer done()
			return f.follow(ctx, l, func() { wait = watchFirst })
		}()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // ctx ended, which is how a watch ends
		case hopeless(err):
			return err
		}
		c.o.Logger.WarnContext(ctx, "watch connects again", "kind", kind, "err", err, "wait", wait)
		if c.o.Sleep(ctx, wait) != nil {
			return nil //nolint:nilerr // the same
		}
		wait = min(2*wait, watchMost)
	}
}

// hopeless tells whether no waiting helps.
func hopeless(err error) bool {
	switch fault.KindOf(err) {
	case fault.Credential, fault.Invalid, fault.Unsupported:
		return true
	default:
		return false
	}
}

// newFollower picks the way in which this server tells of changes.
func (c *Connector) newFollower(l *line, kind directory.Kind, tell func([]directory.Hint)) (follower, error) {
	switch {
	case l.d.kind == AD && l.can[oidDirSync]:
		return &dirSync{c: c, kind: kind, tell: tell, machines: map[guid]bool{}}, nil
	case l.d.kind != AD && l.can[oidSyncrepl]:
		return &syncrepl{c: c, kind: kind, tell: tell, known: map[guid]bool{}}, nil
	case l.d.kind == AD:
		return nil, fault.New(fault.Unsupported, "this directory does not offer DirSync: let flows run by schedule / 该目录不支持 DirSync：请让流程按计划运行")
	default:
		return nil, watchUnsupported(nil)
	}
}

func watchUnsupported(err error) error {
	return fault.Wrap(fault.Unsupported, err, "this directory does not tell of changes: add the overlay syncprov to its database (OpenLDAP), or let flows run by schedule / 该目录不会通知变更：请给数据库加上 syncprov overlay（OpenLDAP），或让流程按计划运行")
}
