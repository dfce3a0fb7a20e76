package dingtalk

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

const maxPages = 100_000 // of one department

// person is somebody with what the listings of several departments told.
type person struct {
	member
	from   int64       // the department whose row member is: the least, so that two reads agree
	leads  []int64     // departments
	orders []deptOrder // one for each department that listed the person
	unread bool        // the manager was to be asked for and is not known
	// asked: the person was asked for alone, so that leads do not rest on listings.
	// leadsUnread: that answer did not tell them.
	asked, leadsUnread bool
}

// page reads one page of a department's members. Those whom the corp hides from
// some of its people are listed as well.
func (c *Connector) page(ctx context.Context, dept, cursor int64, t *tally) (*memberPage, error) {
	var answer memberPage
	err := c.read(ctx, old(pathUserList, map[string]any{
		"dept_id": dept, "cursor": cursor, "size": c.options.PageSize, "contain_access_limit": true,
	}), t, &answer)
	return &answer, err
}

// members decodes the rows that can be.
func (m *memberPage) members() []*member {
	var out []*member
	for _, raw := range m.Rows {
		var row member
		if json.Unmarshal(raw, &row) == nil && row.whole() {
			out = append(out, &row)
		}
	}
	return out
}

// department reads all pages of one department's members.
func (r *reading) department(ctx context.Context, dept int64) error {
	cursor := int64(0)
	seen := map[int64]bool{0: true}
	for range maxPages {
		page, err := r.c.page(ctx, dept, cursor, &r.tally)
		if err != nil {
			return err
		}
		rows := page.members()
		if broken := len(page.Rows) - len(rows); broken > 0 {
			r.problem(dept, broken)
		}
		r.take(ctx, dept, rows)
		if !page.More {
			return nil
		}
		if page.Next == nil || seen[int64(*page.Next)] {
			break
		}
		cursor = int64(*page.Next)
		seen[cursor] = true
	}
	n := strconv.FormatInt(dept, 10)
	r.doubt("the listing of department " + n + " goes round in circles / 部门 " + n + " 的成员列表翻页游标重复")
	return nil
}

// take merges rows into what is known of their persons.
func (r *reading) take(ctx context.Context, dept int64, rows []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range rows {
		id := string(m.UserID)
		p := r.people[id]
		if p == nil {
			p = &person{member: *m, from: dept}
			r.people[id] = p
			connector.CounterOf(ctx).Users(1)
		}
		if slices.ContainsFunc(p.orders, func(o deptOrder) bool { return int64(o.Dept) == dept }) {
			r.mark("the listing of department " + strconv.FormatInt(dept, 10) + " repeats itself / 部门 " + strconv.FormatInt(dept, 10) + " 的成员列表重复")
			continue
		}
		if dept < p.from {
			p.member, p.from = *m, dept
		}
		o := deptOrder{Dept: number(dept)}
		if m.Order != nil {
			o.Order = *m.Order
		}
		p.orders = append(p.orders, o)
		if m.Leader != nil && bool(*m.Leader) {
			p.leads = append(p.leads, dept)
		}
	}
}

// problem notes rows that cannot be read: who stands in them is not known.
func (r *reading) problem(dept int64, broken int) {
	n := strconv.FormatInt(dept, 10)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, directory.Problem{
		Place: "department " + n,
		Say:   strconv.Itoa(broken) + " members of it cannot be read / 有 " + strconv.Itoa(broken) + " 名成员的资料无法读取",
	})
	r.mark("members of department " + n + " cannot be read / 部门 " + n + " 中有无法读取的成员")
}

// whole sees that each person came in the listing of each department of theirs.
// Whoever moved while the listings were read is there in a part only.
func (r *reading) whole() {
	read := map[int64]bool{}
	for _, d := range r.places {
		read[d] = true
	}
	for id, p := range r.people {
		for _, d := range p.Depts {
			listed := slices.ContainsFunc(p.orders, func(o deptOrder) bool { return o.Dept == d })
			if !listed && (r.scope.all() || read[int64(d)]) {
				n, who := strconv.FormatInt(int64(d), 10), clip(id)
				r.doubt(who + " is in department " + n + ", whose listing lacks them: the contacts changed while they were read / " +
					who + " 属于部门 " + n + "，但该部门的列表中没有此人：读取期间通讯录有变化")
			}
		}
		if len(p.Depts) < len(p.orders) {
			r.doubt(clip(id) + " moved while the contacts were read / 读取期间 " + clip(id) + " 调动了部门")
		}
	}
}

// counted compares with the number of employees, which DingTalk tells whatever
// the app may see. It is asked once more: a newcomer may be counted before the
// listings show them.
func (r *reading) counted(ctx context.Context) error {
	var n int
	for try := range 2 {
		var answer memberCount
		if err := r.c.read(ctx, old(pathUserCount, map[string]any{"only_active": false}), &r.tally, &answer); err != nil {
			return err
		}
		if n = int(*answer.Count); n == len(r.people) {
			return nil
		}
		if try > 0 {
			break
		}
		if err := r.c.options.Sleep(ctx, firstWait); err != nil {
			return ended(err)
		}
	}
	r.doubt("DingTalk counts " + strconv.Itoa(n) + " employees and lists " + strconv.Itoa(len(r.people)) +
		": run again; if it stays so, look for people without a department in the admin console / 钉钉统计有 " +
		strconv.Itoa(n) + " 名员工，列表中有 " + strconv.Itoa(len(r.people)) + " 名：请重新运行；若仍如此，请在管理后台检查没有部门的成员")
	return nil
}

// single reads the persons whom the scope names by themselves.
func (r *reading) single(ctx context.Context) {
	ids := r.scope.Org.Users
	r.each(len(ids), func(i int) error {
		m, err := r.c.get(ctx, string(ids[i]), &r.tally)
		switch {
		case userMissing(err), outOfScope(err):
			return nil
		case err != nil:
			return err
		}
		p := personOf(m)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.people[string(m.UserID)] == nil {
			r.people[string(m.UserID)] = p
		}
		return nil
	})
}

// superiors reads whom each person reports to, when asked to and when the
// listings did not tell.
func (r *reading) superiors(ctx context.Context, shown bool) {
	if !r.c.options.Managers || shown {
		return
	}
	var all []*person
	for _, p := range r.people {
		p.unread = true
		all = append(all, p)
	}
	r.each(len(all), func(i int) error {
		m, err := r.c.get(ctx, string(all[i].UserID), &r.tally)
		if userMissing(err) {
			r.doubt(clip(string(all[i].UserID)) + " left while the contacts were read / 读取期间 " + clip(string(all[i].UserID)) + " 离开了企业")
			return nil
		}
		if err == nil {
			all[i].Manager, all[i].unread = m.Manager, false
		}
		return err
	})
}

// get asks for one person.
func (c *Connector) get(ctx context.Context, id string, t *tally) (*member, error) {
	var m member
	if err := c.read(ctx, old(pathUserGet, map[string]any{"userid": id}), t, &m); err != nil {
		return nil, err
	}
	if string(m.UserID) != id {
		return nil, fault.New(fault.Unavailable, "DingTalk answers with another member / 钉钉返回了另一名成员")
	}
	return &m, nil
}

// personOf makes a person of what user/get tells.
func personOf(m *member) *person {
	p := &person{member: *m, asked: true, leadsUnread: m.LeaderIn == nil}
	for _, d := range m.Depts {
		if m.Orders == nil {
			break
		}
		o := deptOrder{Dept: d}
		for _, given := range m.Orders {
			if given.Dept == d {
				o.Order = given.Order
			}
		}
		p.orders = append(p.orders, o)
	}
	for _, l := range m.LeaderIn {
		if bool(l.Leader) && slices.Contains(m.Depts, l.Dept) {
			p.leads = append(p.leads, int64(l.Dept))
		}
	}
	return p
}
