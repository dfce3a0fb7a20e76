package dingtalk

import (
	"context"
	"strconv"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Probe tests the credentials, whether the app may see the whole corp, the calls
// that a reading makes, and that the quarantine department is there. Writing
// cannot be tried without an effect. Faults: those of Read, and Credential for a
// scope that is too narrow.
func (c *Connector) Probe(ctx context.Context) error {
	var t tally
	s, err := c.scope(ctx, &t)
	if err != nil {
		return err
	}
	if !s.all() {
		return fault.New(fault.Credential, "%s", narrow)
	}
	if err := c.read(ctx, old(pathListSub, map[string]any{"dept_id": rootID}), &t, &departmentRows{}); err != nil {
		return err
	}
	if _, err := c.page(ctx, rootID, 0, &t); err != nil {
		return err
	}
	if err := c.read(ctx, old(pathUserCount, map[string]any{"only_active": false}), &t, &memberCount{}); err != nil {
		return err
	}
	if c.quarantine == 0 {
		return nil
	}
	_, err = c.lookDepartment(ctx, c.quarantine, &t)
	if code(err) == codeNoDept {
		n := strconv.FormatInt(c.quarantine, 10)
		return fault.New(fault.Invalid, "the quarantine department %s does not exist: correct quarantine / 隔离部门 %s 不存在：请修改 quarantine", n, n)
	}
	return err
}
