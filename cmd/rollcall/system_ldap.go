package main

import (
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/ldapdir"
)

func (a *app) ldapSource(sys *configs.System) (connector.Source, error) {
	l := sys.LDAP
	o := ldapdir.Options{
		URL: l.URL, StartTLS: l.StartTLS, BindDN: l.BindDN, BindPassword: l.BindPassword.Reveal(), BaseDN: l.BaseDN, Dialect: l.Dialect,
		UserFilter: l.UserFilter, DepartmentFilter: l.DepartmentFilter, RDN: l.RDN, ObjectClasses: l.ObjectClasses,
		Disabled: l.Disabled, LeftDN: l.LeftDN, PageSize: l.PageSize, CallTimeout: a.cfg.Timing.Call.Std(),
		Zone: a.cfg.Location(), Now: a.p.now, Logger: a.log.With("system", sys.Name), Pace: a.pacer(sys.Name),
	}
	if l.CAFile != "" {
		o.CAFile = a.cfg.Resolve(l.CAFile)
	}
	for _, at := range l.Attributes {
		o.Attributes = append(o.Attributes, ldapdir.Attribute{Name: at.Name, Attribute: at.Attribute, Type: at.Type})
	}
	return ldapdir.New(o)
}
