package ldapdir

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// Probe signs in, and sees that the base is there and that both filters can be
// searched by. Writing cannot be tried without an effect. Faults: those of Read.
func (c *Connector) Probe(ctx context.Context) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if c.clear() {
		c.o.Logger.WarnContext(ctx, "password sent unencrypted: use ldaps:// or start_tls")
	}
	return c.on(ctx, &c.calls, func(l *line) error {
		_, ok, err := c.one(ctx, l, query{base: c.o.BaseDN, attrs: []string{"1.1"}})
		if err != nil {
			return err
		}
		if !ok {
			return baseMissing()
		}
		if c.left != nil {
			if _, ok, err = c.one(ctx, l, query{base: c.o.LeftDN, attrs: []string{"1.1"}}); err != nil {
				return err
			}
			if !ok {
				return fault.New(fault.Invalid, "left_dn is not there, or the account may not read it / left_dn 不存在，或该账号无权读取")
			}
		}
		for _, filter := range []string{l.d.users, l.d.ous} {
			_, err := c.search(ctx, l, query{scope: ldap.ScopeWholeSubtree, filter: filter, attrs: []string{"1.1"}, limit: 1})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
