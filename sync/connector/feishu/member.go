package feishu

import (
	"context"
	"encoding/json"
	"fmt"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"
	"golang.org/x/sync/errgroup"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// members lists the people of every department, and of the root last, which
// asks for the widest range.
func (r *reading) members(ctx context.Context, root bool) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(r.c.o.Parallel)
	for _, u := range r.units {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error { return r.membersOf(groupCtx, u) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if !root {
		return nil
	}
	return r.membersOf(ctx, unit{id: rootID, members: -1})
}

// membersOf lists the people of one department. The error is one that ends the
// reading; others make the snapshot incomplete.
func (r *reading) membersOf(ctx context.Context, u unit) error {
	got, err := r.listMembers(ctx, u.id)
	if err == nil && u.leaf && got < u.members {
		err = r.recount(ctx, u)
	}
	if err != nil && !stops(err) {
		r.incomplete("部门 "+u.id+" 的成员没有读完", "members of department "+u.id+" not read to the end", err)
		return nil
	}
	return err
}

func (r *reading) listMembers(ctx context.Context, department string) (int, error) {
	here := map[directory.ID]bool{}
	err := r.c.list(ctx, &r.tally, listing{
		path: contacts + "/users/find_by_department", query: r.c.query("department_id", department),
	}, listed{
		begin: func() { clear(here) },
		page: func(ctx context.Context, data json.RawMessage) (int, error) {
			rows, err := items(data)
			if err != nil {
				return 0, err
			}
			return len(rows), r.addUsers(ctx, department, rows, here)
		},
	})
	return len(here), err
}

// addUsers takes a page of people. Somebody who belongs to several departments
// comes once from each; somebody who comes twice from one shows that the pages
// moved while they were read, so that somebody else may have been passed over.
func (r *reading) addUsers(ctx context.Context, department string, rows []json.RawMessage, here map[directory.ID]bool) error {
	for _, raw := range rows {
		o, s, err := r.user(ctx, raw)
		if fault.KindOf(err) == fault.Credential {
			return err
		}
		if err != nil {
			r.problem("department "+department, err)
			continue
		}
		if here[o.ID] {
			return &lostError{"同一成员出现两次", "a member came twice"}
		}
		here[o.ID] = true
		if !s.left() && r.first(o.ID) {
			r.add(o)
		}
	}
	return nil
}

// first tells whether the person was not seen before.
func (r *reading) first(id directory.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id] {
		return false
	}
	r.seen[id] = true
	return true
}

// recount asks again for a department without sub-departments that showed fewer
// people than Feishu counts in it: people may have moved in between.
func (r *reading) recount(ctx context.Context, u unit) error {
	data, err := r.c.get(ctx, &r.tally, &request{
		path: contacts + "/departments/:department_id", params: larkcore.PathParams{"department_id": u.id}, query: r.c.query(),
	})
	if err != nil {
		return err
	}
	var reply struct {
		Department struct {
			Members int `json:"member_count"`
		} `json:"department"`
	}
	if json.Unmarshal(data, &reply) != nil {
		return &lostError{"部门人数无法识别", "the department's count is malformed"}
	}
	got, err := r.listMembers(ctx, u.id)
	if err == nil && got < reply.Department.Members {
		want := reply.Department.Members
		return &lostError{
			fmt.Sprintf("飞书统计 %d 人，只列出 %d 人", want, got),
			fmt.Sprintf("Feishu counts %d people and lists %d", want, got),
		}
	}
	return err
}
