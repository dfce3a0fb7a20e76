package ldapdir

import (
	"context"
	"strconv"

	"github.com/go-ldap/ldap/v3"
)

// suspects is of how many people it is asked whether they can still be seen.
const suspects = 4 * batch

// suspect tells whether somebody who was listed matched nothing that was asked after.
func (s *sight) suspect(id guid) bool {
	if s.whole[id] {
		return false
	}
	for _, ids := range s.each {
		if ids[id] {
			return false
		}
	}
	return true
}

// still looks for people who were listed and were not seen since. One who is not there
// any more shows that the directory, or what the account may see of it, changed while
// it was listed: who came on no page may be hidden like that one.
func (r *reading) still(ctx context.Context, ids []guid) error {
	lost := 0
	err := r.c.on(ctx, &r.c.calls, func(l *line) error {
		lost = 0
		for rest := ids; len(rest) > 0; {
			part := rest[:min(batch, len(rest))]
			rest = rest[len(part):]
			answer, err := r.c.search(ctx, l, query{scope: ldap.ScopeWholeSubtree, filter: l.d.byID(part...), attrs: []string{l.d.idAttr}})
			if err != nil {
				return err
			}
			r.tally.pages++
			seen := map[guid]bool{}
			for _, e := range answer.Entries {
				if id, ok := l.d.idOf(e); ok {
					seen[id] = true
				}
			}
			for _, id := range part {
				if !seen[id] {
					lost++
				}
			}
		}
		return nil
	})
	if err == nil && lost > 0 {
		n := strconv.Itoa(lost)
		r.b.Incomplete("%s", n+" people can be seen no more who were listed a moment ago: entries were deleted, or the account's rights were narrowed, while the directory was read. Run again; if it stays so, let the account read every entry below base_dn / "+
			n+" 人刚刚还在列表里，现在已看不到：读取期间有条目被删除，或该账号的权限被收窄。请重新运行；若仍如此，请允许该账号读取 base_dn 下的全部条目")
	}
	return err
}
