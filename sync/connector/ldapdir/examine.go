package ldapdir

import (
	"context"

	"github.com/go-ldap/ldap/v3"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/fault"
)

var _ connector.Examiner = (*Connector)(nil)

// Examine signs in, and tries the base and both filters; four searches besides
// what signing in takes.
func (c *Connector) Examine(ctx context.Context, use connector.Use) []connector.Finding {
	signIn := connector.Text{ZH: "登录", EN: "sign in"}
	account := connector.Text{
		ZH: "和目录管理员核对 url、bind_dn 和密码；证书要被本机信任，或用 ca_file 指明",
		EN: "compare url, bind_dn and the password with the directory's administrator; the certificate must be trusted here, or named as ca_file",
	}
	var found []connector.Finding
	err := c.on(ctx, &c.calls, func(l *line) error {
		found = append(found, connector.Finding{Capability: signIn, Level: connector.Works})
		found = append(found, c.searches(ctx, l)...)
		return nil
	})
	if err != nil {
		return []connector.Finding{connector.Failed(signIn, err, account)}
	}
	if c.clear() {
		found = append(found, connector.Finding{
			Capability: connector.Text{ZH: "加密连接", EN: "encrypted connection"}, Level: connector.Hidden,
			Say: connector.Text{ZH: "密码以明文传输", EN: "the password travels in the clear"},
			Do:  connector.Text{ZH: "url 改用 ldaps://，或设 start_tls: true", EN: "let url be ldaps://, or set start_tls: true"},
		})
	}
	if use.Target {
		found = append(found, connector.Finding{
			Capability: connector.Text{ZH: "写入", EN: "write"},
			Say:        connector.Text{ZH: "第一次执行前无法验证；账号要能写入基准 DN 以下", EN: "unverified until the first apply; the account has to be allowed to write below the base"},
		})
	}
	return found
}

// searches tries what a reading does.
func (c *Connector) searches(ctx context.Context, l *line) []connector.Finding {
	rights := connector.Text{
		ZH: "请目录管理员给这个账号读取基准 DN 以下全部内容的权限，并核对 base_dn 和过滤器",
		EN: "have the directory's administrator let the account read everything below the base, and compare base_dn and the filters",
	}
	base := func(dn string) func() (int, error) {
		return func() (int, error) {
			_, ok, err := c.one(ctx, l, query{base: dn, attrs: []string{"1.1"}})
			if err == nil && !ok && dn == c.o.BaseDN {
				err = baseMissing()
			}
			if err == nil && !ok {
				err = fault.New(fault.Invalid, "left_dn is not there, or the account may not read it / left_dn 不存在，或该账号无权读取")
			}
			return 1, err
		}
	}
	filter := func(text string) func() (int, error) {
		return func() (int, error) {
			got, err := c.search(ctx, l, query{scope: ldap.ScopeWholeSubtree, filter: text, attrs: []string{"1.1"}, limit: 1})
			if err != nil {
				return 0, err
			}
			return len(got.Entries), nil
		}
	}
	tries := []struct {
		what connector.Text
		call func() (int, error)
	}{
		{connector.Text{ZH: "读取 base_dn", EN: "read base_dn"}, base(c.o.BaseDN)},
		{connector.Text{ZH: "查找人员", EN: "find people"}, filter(l.d.users)},
		{connector.Text{ZH: "查找部门", EN: "find departments"}, filter(l.d.ous)},
	}
	if c.left != nil {
		tries = append(tries, tries[0])
		tries[len(tries)-1].what, tries[len(tries)-1].call = connector.Text{ZH: "读取 left_dn", EN: "read left_dn"}, base(c.o.LeftDN)
	}
	var found []connector.Finding
	for _, one := range tries {
		n, err := one.call()
		switch {
		case err != nil:
			found = append(found, connector.Failed(one.what, err, rights))
		case n == 0:
			found = append(found, connector.Finding{
				Capability: one.what, Do: rights,
				Say: connector.Text{ZH: "一个也没有找到：可能真的没有，也可能无权读取或过滤器不对", EN: "found none: there may be none, or the account may not read them, or the filter is wrong"},
			})
		default:
			found = append(found, connector.Finding{Capability: one.what, Level: connector.Works})
		}
	}
	return found
}
