package rosterfile

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// apply makes the change among the lines.
func (d *document) apply(w connector.Write) (done, error) {
	switch w.Op {
	case plan.Create:
		return d.create(w)
	case plan.Delete:
		return d.delete(w.Key)
	case plan.Disable:
		after := w.After.Clone()
		if after == nil {
			after = directory.Attributes{}
		}
		after[directory.AttrActive] = directory.BoolOf(false)
		w.After = after
	default: // After says it all
	}
	at, err := d.find(w.Key.ID)
	if err != nil {
		return done{}, d.doubt(err)
	}
	return d.update(w.Key.ID, at, w.After)
}

// doubt refuses to say that somebody is not there while it cannot be told whose a
// row is.
func (d *document) doubt(err error) error {
	if fault.KindOf(err) != fault.NotFound {
		return err
	}
	first := -1
	for at, bad := range d.bad {
		if bad.blind && (first < 0 || at < first) {
			first = at
		}
	}
	if first < 0 {
		return err
	}
	why := d.bad[first].why
	return fault.New(fault.Invalid, "who is sought may stand in a row that cannot be read: %s / 要找的人可能就在读不懂的行里：%s", why.en, why.zh)
}

func (d *document) delete(key directory.Key) (done, error) {
	at, err := d.find(key.ID)
	if err != nil {
		if err = d.doubt(err); fault.KindOf(err) == fault.NotFound {
			return done{key: key}, nil
		}
		return done{}, err
	}
	if err := d.removable(at); err != nil {
		return done{}, err
	}
	delete(d.index, strings.ToLower(string(key.ID)))
	d.b.s.forget(key.ID)
	d.remove(at)
	return done{key: key}, nil
}

// removable refuses to remove a row whose formulas or merged cells others may
// depend on.
func (d *document) removable(at int) error {
	number := d.number(at)
	for _, m := range d.b.t.merges {
		if m.top <= number && number <= m.bottom && m.top != m.bottom {
			return d.c.invalid(fmt.Sprintf("row %d is merged with others (%s): take the merge apart first", number, m),
				fmt.Sprintf("第 %d 行与其他行合并（%s）：请先取消合并", number, m))
		}
	}
	if d.lines[at].number > 0 && hasFormula(d.lines[at].raw) {
		return d.c.invalid(fmt.Sprintf("row %d holds a formula: remove the row by hand", number), fmt.Sprintf("第 %d 行有公式：请手工删除这一行", number))
	}
	return nil
}

// create appends a row. One that is there already with the same values is taken
// for our own earlier one.
func (d *document) create(w connector.Write) (done, error) {
	id := directory.ID(w.After[d.c.info.IDAttribute].String())
	if id == "" {
		id = w.Key.ID
	}
	switch {
	case id == "" || w.Key.ID != "" && w.Key.ID != id:
		return done{}, fault.New(fault.Invalid, "%s: a new row needs its id as %s / %s：新的一行要有编号 %s", d.c.name, d.c.info.IDAttribute, d.c.name, d.c.info.IDAttribute)
	case string(id) != plain(string(id)) || headingKey(string(id)) == headingKey(d.c.o.ID) || nothing(string(id)), strings.ContainsFunc(string(id), unicode.IsControl):
		return done{}, fault.New(fault.Invalid, "“%s” cannot be an id / “%s”不能作编号", short(string(id)), short(string(id)))
	}
	key := directory.Key{Kind: directory.User, ID: id}
	if at, taken := d.index[strings.ToLower(string(id))]; taken {
		return d.taken(key, at, w.After)
	}
	if err := d.doubt(fault.New(fault.NotFound, "nobody has the id / 没有这个编号")); fault.KindOf(err) != fault.NotFound {
		return done{}, err
	}
	after := w.After.Clone()
	delete(after, d.c.info.IDAttribute)
	if _, given := after[directory.AttrActive]; !given && d.b.l.words.mark.enabled != "" {
		after[directory.AttrActive] = directory.BoolOf(true)
	}
	cells, err := d.entries(after, nil)
	if err != nil {
		return done{}, err
	}
	cells = append(cells, wish{entry: entry{column: d.b.l.id, kind: entryText, text: string(id)}})
	if cells, err = merge(d.b.t.header, cells); err != nil {
		return done{}, err
	}
	at, err := d.append(entriesOf(cells))
	if err != nil {
		return done{}, err
	}
	d.index[strings.ToLower(string(id))] = at
	d.b.s.remember(id, d.number(at))
	return d.finish(id, at, cells)
}

// taken answers a CREATE of an id that is there.
func (d *document) taken(key directory.Key, at int, after directory.Attributes) (done, error) {
	conflict := fault.New(fault.Conflict, "%s already has the id %s in row %d / %s 第 %d 行已有编号 %s",
		d.c.name, key.ID, d.number(at), d.c.name, d.number(at), key.ID)
	if _, err := d.find(key.ID); err != nil {
		return done{}, conflict
	}
	o, err := d.object(key.ID, at)
	if err != nil {
		return done{}, conflict
	}
	for name, v := range after {
		if v.Type() != directory.Unknown && !o.Value(name).Equal(v) {
			return done{}, conflict
		}
	}
	return done{key: key, object: o}, nil
}

// update sets cells of a row.
func (d *document) update(id directory.ID, at int, after directory.Attributes) (done, error) {
	after = after.Clone()
	if v, given := after[d.c.info.IDAttribute]; given && v.Type() != directory.Unknown {
		if v.String() != string(id) {
			return done{}, fault.New(fault.Invalid, "the id of %s is never changed / %s 的编号不会被修改", id, id)
		}
		delete(after, d.c.info.IDAttribute)
	}
	now, err := d.object(id, at)
	if err != nil {
		return done{}, err
	}
	cells, err := d.entries(after, now)
	if err != nil {
		return done{}, err
	}
	if cells, err = merge(d.b.t.header, cells); err != nil {
		return done{}, err
	}
	key := directory.Key{Kind: directory.User, ID: id}
	if len(cells) == 0 {
		return done{key: key, object: now}, nil
	}
	for _, one := range cells {
		if err := d.free(at, one.column); err != nil {
			return done{}, err
		}
	}
	l, err := d.form.put(d.lines[at], d.lines[at], entriesOf(cells))
	if err != nil {
		return done{}, err
	}
	d.dirty = true
	d.lines[at] = l
	return d.finish(id, at, cells)
}

// free refuses to write a cell under a merged area.
func (d *document) free(at, column int) error {
	number := d.number(at)
	for _, m := range d.b.t.merges {
		if m.top <= number && number <= m.bottom && m.left <= column && column <= m.right {
			return d.c.invalid(fmt.Sprintf("cells %s are merged: take the merge apart first", m), fmt.Sprintf("%s 是合并单元格：请先取消合并", m))
		}
	}
	return nil
}

// finish reads the row back as a later reading will: what does not come back the
// same is refused.
func (d *document) finish(id directory.ID, at int, cells []wish) (done, error) {
	if err := d.form.cells(d.lines[at], &d.row); err != nil {
		return done{}, err
	}
	if d.row.flaw != flawNone || idOf(d.row.cell(d.b.l.id)) != string(id) {
		return done{}, fault.New(fault.Invalid, "“%s” cannot be written as an id / “%s”不能写作编号", short(string(id)), short(string(id)))
	}
	for _, one := range cells {
		if back, ok := d.back(one); !ok {
			shown := short(one.text)
			return done{}, fault.New(fault.Invalid, "%s: column %s cannot hold “%s”, it would be read as “%s” / %s：%s 列存不下“%s”，读回来会是“%s”",
				d.c.name, d.b.t.header[one.column], shown, short(back), d.c.name, d.b.t.header[one.column], shown, short(back))
		}
	}
	d.b.s.renumber(id, d.b.l, &d.row)
	o, err := d.object(id, at)
	if err != nil {
		return done{}, err
	}
	return done{key: o.Key, object: o}, nil
}
