package dingtalkbot

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// Events come by Stream under one topic, their type in a header. Source: the
// vendor's pages of contact events.
const (
	typeEvent       = "EVENT"
	topicEvents     = "*"
	headerEventType = "eventType"
)

// contact takes one event of the corp. It is acknowledged whatever is in it: one
// that cannot be read would be no better when it came again.
func (s *stream) contact(ctx context.Context, f *payload.DataFrame) (*payload.DataFrameResponse, error) {
	s.alive()
	if !s.enter() {
		return nil, errLate
	}
	defer s.busy.Done()
	hints, ok := contactHints(f.Headers[headerEventType], []byte(f.Data))
	if !ok {
		s.b.refuse(ctx, badEvent)
	}
	if len(hints) > 0 {
		s.b.o.Contacts(context.WithoutCancel(ctx), hints)
	}
	return acknowledged(`{"status":"SUCCESS","message":"ok"}`), nil
}

// contactHints gives what an event says: ids alone. An event of which nothing is
// kept here says nothing.
func contactHints(kind string, data []byte) ([]directory.Hint, bool) {
	var in struct {
		Users       []string      `json:"userId"`
		Departments []json.Number `json:"deptId"`
	}
	gone := false
	switch kind {
	case "user_leave_org", "org_dept_remove":
		gone = true
	case "user_add_org", "user_modify_org", "user_active_org", "org_dept_create", "org_dept_modify":
	default:
		return nil, true
	}
	if json.Unmarshal(data, &in) != nil || len(in.Users)+len(in.Departments) == 0 {
		return []directory.Hint{{}}, false // something changed: a full run will see what
	}
	var hints []directory.Hint
	for _, id := range in.Users {
		hints = append(hints, directory.Hint{Key: directory.Key{Kind: directory.User, ID: directory.ID(id)}, Gone: gone})
	}
	for _, id := range in.Departments {
		n, err := strconv.ParseInt(id.String(), 10, 64)
		if err != nil {
			return []directory.Hint{{}}, false
		}
		hints = append(hints, directory.Hint{
			Key: directory.Key{Kind: directory.Department, ID: directory.ID(strconv.FormatInt(n, 10))}, Gone: gone,
		})
	}
	return hints, true
}
