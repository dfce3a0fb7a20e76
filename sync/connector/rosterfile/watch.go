package rosterfile

import (
	"context"
	"io/fs"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// watchEvery is how often a file is looked at for changes. Its time and size are
// asked for, not its content: that costs nothing on a share either.
const watchEvery = 15 * time.Second

var _ connector.Watcher = (*Connector)(nil)

// stamp is how a file looks from outside; the zero stamp is one that cannot be seen.
type stamp struct {
	mod  int64
	size int64
}

// Watch tells when somebody has put another roster in the file's place: once it has
// been left alone from one look to the next. It does not say who is concerned, so
// that a full run follows. A file that vanishes tells nothing.
func (c *Connector) Watch(ctx context.Context, tell func([]directory.Hint)) error {
	known := c.stamp(ctx)
	moving := known
	for {
		if err := c.o.Sleep(ctx, watchEvery); err != nil {
			return nil //nolint:nilerr // ctx ended, which is how a watch ends
		}
		now := c.stamp(ctx)
		if now != moving { // somebody is writing: the next look decides
			moving = now
			continue
		}
		if now == known || now == (stamp{}) {
			continue
		}
		known = now
		tell([]directory.Hint{{}})
	}
}

func (c *Connector) stamp(ctx context.Context) stamp {
	f, err := c.o.Open(ctx, c.o.Path)
	if err != nil {
		return stamp{}
	}
	defer func() { _ = f.Close() }()
	var info fs.FileInfo
	if info, err = f.Stat(); err != nil {
		return stamp{}
	}
	return stamp{info.ModTime().UnixNano(), info.Size()}
}
