package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	larkcore "github.com/larksuite/oapi-sdk-go/v3/core"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// mainLeader and deputyLeader are the types of a department's heads.
const (
	mainLeader   = 1
	deputyLeader = 2
)

// decodeLeaders gives the heads of a department, the main one first. Their keys
// are in camel case, unlike all others.
func decodeLeaders(raw json.RawMessage) (directory.Value, error) {
	var list []struct {
		Type int    `json:"leaderType"`
		ID   string `json:"leaderID"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return directory.Value{}, err
	}
	var ids []directory.ID
	for _, l := range list {
		id := directory.ID(l.ID)
		switch at := slices.Index(ids, id); {
		case id == "" || at >= 0 && l.Type != mainLeader:
		case l.Type == mainLeader:
			ids = slices.DeleteFunc(ids, func(other directory.ID) bool { return other == id })
			ids = slices.Insert(ids, 0, id)
		case l.Type == deputyLeader:
			ids = append(ids, id)
		default:
			return directory.Value{}, errors.New("a head of no known type")
		}
	}
	return directory.RefsToKind(directory.User, ids...), nil
}

// encodeLeaders makes the first the main head.
func encodeLeaders(ids []string) []map[string]any {
	list := []map[string]any{}
	for i, id := range ids {
		kind := deputyLeader
		if i == 0 {
			kind = mainLeader
		}
		list = append(list, map[string]any{"leaderType": kind, "leaderID": id})
	}
	return list
}

// checkHead refuses a write that names another leader than the first of leaders:
// for Feishu the two are one person.
func (b body) checkHead() error {
	leaders, several := b["leaders"].([]map[string]any)
	leader, one := b["leader_user_id"].(string)
	if !several || !one {
		return nil
	}
	head := ""
	if len(leaders) > 0 {
		head, _ = leaders[0]["leaderID"].(string)
	}
	if head != leader {
		return invalid("leaders", "第一位必须与 leader 相同", "the first must be the same as leader")
	}
	return nil
}

// leadership tells who leads which departments. It is unknown as long as the
// heads of one department are.
type leadership struct {
	of     map[directory.ID][]directory.ID
	hidden bool
}

func newLeadership() *leadership { return &leadership{of: map[directory.ID][]directory.ID{}} }

// add notes the heads of a department.
func (l *leadership) add(o directory.Object) {
	heads := o.Attributes["leaders"]
	if heads.Type() == directory.Unknown {
		l.hidden = true
		return
	}
	for _, head := range heads.Refs() {
		if !slices.Contains(l.of[head.ID], o.ID) {
			l.of[head.ID] = append(l.of[head.ID], o.ID)
		}
	}
}

// led gives the departments that a person leads, by id.
func (l *leadership) led(id directory.ID) directory.Value {
	if l == nil || l.hidden {
		return directory.Hidden(permDeptTree)
	}
	ids := slices.Clone(l.of[id])
	slices.Sort(ids)
	return directory.RefsToKind(directory.Department, ids...)
}

// leaders reads the heads of all departments for a look-up. Whatever cannot be
// listed to its end leaves it unknown.
func (d *decoder) leaders(ctx context.Context, n *tally) (*leadership, error) {
	out := newLeadership()
	err := d.c.list(ctx, n, listing{
		path: contacts + "/departments/:department_id/children", params: larkcore.PathParams{"department_id": rootID},
		query: d.c.query("fetch_child", "true"),
	}, listed{
		begin: func() { out = newLeadership() },
		page: func(ctx context.Context, data json.RawMessage) (int, error) {
			rows, err := items(data)
			for _, raw := range rows {
				o, _, err := d.department(ctx, raw)
				out.hidden = out.hidden || err != nil
				if err == nil {
					out.add(o)
				}
			}
			return len(rows), err
		},
	})
	if err != nil && stops(err) {
		return nil, err
	}
	out.hidden = out.hidden || err != nil
	return out, nil
}
