package rosterfile

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// Apply makes one change. When it returns without an error, the file with the
// change is on the disk; with any other fault than InDoubt it is as it was.
// Unknown values are left out, what stands there already is not written again,
// and the delete of who is not there succeeds.
//
// Faults beside those of connector.Target: Unavailable also when the file is open
// in a spreadsheet program, when another process writes it, and when it changed
// while we were about to; Invalid also for a value that the file would not give
// back the same, a row that cannot be read, and a cell with a formula; InDoubt
// only when the disk fails after the file was replaced.
func (c *Connector) Apply(ctx context.Context, w connector.Write) (directory.Key, error) {
	switch {
	case !c.info.Can(w.Key.Kind, w.Op) && w.Op == plan.Disable && w.Key.Kind == directory.User:
		return directory.Key{}, fault.New(fault.Unsupported,
			"nobody can be disabled in %s: say with disabled how they are marked, such as 状态=停用 / %s 不能停用人：请用 disabled 写明怎么标记，例如 状态=停用", c.name, c.name)
	case !c.info.Can(w.Key.Kind, w.Op):
		return directory.Key{}, fault.New(fault.Unsupported, "a roster file cannot %s a %s / 花名册文件不支持对 %s 执行 %s", w.Op, w.Key.Kind, w.Key.Kind, w.Op)
	case w.Op != plan.Create && w.Key.ID == "":
		return directory.Key{}, fault.New(fault.Invalid, "the change names no object / 变更没有指明对象")
	}
	if err := c.take(ctx); err != nil {
		return directory.Key{}, err
	}
	defer c.give()
	release, err := c.lock(ctx)
	if err != nil {
		return directory.Key{}, err
	}
	defer release()
	d, err := c.document(ctx)
	if err != nil {
		return directory.Key{}, err
	}
	return c.change(ctx, d, w)
}

// change makes the change in memory and then on the disk. A document that was
// changed and could not be written is forgotten.
func (c *Connector) change(ctx context.Context, d *document, w connector.Write) (directory.Key, error) {
	done, err := d.apply(w)
	if d.dirty && err != nil {
		c.doc = nil
	}
	if err != nil {
		return done.key, err
	}
	if !d.dirty { // of what is written, replace sees that the file is still the same
		if err := c.unchanged(ctx, d); err != nil {
			c.doc = nil
			return directory.Key{}, err
		}
		return done.key, nil
	}
	c.doc = nil // until it is written
	data, err := d.form.bytes(d.lines)
	if err != nil {
		return directory.Key{}, err
	}
	before, absent := d.sum, d.absent
	if err := c.replace(ctx, d, data); err != nil {
		if fault.KindOf(err) == fault.InDoubt {
			c.kept = nil
		}
		return directory.Key{}, err
	}
	wider := d.wider
	d.sum, d.absent, d.dirty, d.wider = sha256.Sum256(data), false, false, false
	c.doc, c.met = d, true
	if wider || c.kept == nil || c.kept.sum != before || c.kept.absent != absent {
		c.kept = nil
		return done.key, nil
	}
	if c.kept.changed == nil {
		c.kept.changed = map[directory.ID]*directory.Object{}
	}
	c.kept.changed[done.key.ID] = done.object
	c.kept.sum, c.kept.absent = d.sum, false
	return done.key, nil
}

// done is what became of a change: the object as the file holds it now, nil when
// it is gone.
type done struct {
	key    directory.Key
	object *directory.Object
}

// document gives the file, ready to be changed: what was kept when nothing else
// touched the file since. Whether that is so, its size and time tell well enough:
// the content is compared before the file is replaced. The caller has the turn.
func (c *Connector) document(ctx context.Context) (*document, error) {
	seen, err := c.glance(ctx)
	absent := c.mayBeAbsent(err)
	switch {
	case err != nil && !absent:
		c.doc = nil
		return nil, c.explain(err)
	case c.doc != nil && c.doc.absent && absent:
		return c.doc, nil
	case c.doc != nil && !absent && c.doc.size == seen.size && c.doc.mod.Equal(seen.mod):
		return c.doc, nil
	}
	c.doc = nil
	take := c.standing
	if absent {
		take = c.unwritten
	}
	d, err := take(ctx)
	if err != nil {
		return nil, err
	}
	c.doc = d
	return d, nil
}

// unwritten gives the document of a file that is not there yet.
func (c *Connector) unwritten(ctx context.Context) (*document, error) {
	data, err := c.blank()
	if err != nil {
		return nil, err
	}
	d, err := c.load(ctx, data)
	if err != nil {
		return nil, err
	}
	d.absent, d.sum = true, sha256.Sum256(data)
	return d, nil
}

// standing gives the document of the file as it stands.
func (c *Connector) standing(ctx context.Context) (*document, error) {
	got, _, err := c.stable(ctx)
	if err != nil {
		return nil, err
	}
	d, err := c.load(ctx, got.data)
	if err != nil {
		return nil, err
	}
	d.sum, d.size, d.mod = got.sum, got.size, got.mod
	c.met = true
	return d, nil
}

// glance gives the size and time of the file. Its errors are plain ones; see
// explain.
func (c *Connector) glance(ctx context.Context) (*content, error) {
	f, err := c.o.Open(ctx, c.o.Path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &content{size: info.Size(), mod: info.ModTime()}, nil
}

// unchanged compares the file with what the change was made on.
func (c *Connector) unchanged(ctx context.Context, d *document) error {
	got, err := c.look(ctx, false)
	switch {
	case d.absent && errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !d.absent && got.sum == d.sum:
		return nil
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Unavailable,
			"%s was changed by somebody else just now: nothing was written, it is read again / %s 刚被别人修改：没有写入，会重新读取", c.name, c.name)
	default:
		return c.explain(err)
	}
}
