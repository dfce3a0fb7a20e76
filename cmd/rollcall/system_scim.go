package main

import (
	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/scim"
	"github.com/rollcallhq/rollcall/sync/directory"
)

// scimSource connects to a service that speaks SCIM 2.0.
func (a *app) scimSource(sys *configs.System) (connector.Source, error) {
	s := sys.SCIM
	o := scim.Options{
		URL: s.URL, Token: s.Token.Reveal(), User: s.User, Password: s.Password.Reveal(),
		Dialect: scim.Dialect(s.Dialect), Departments: scim.Departments(s.Departments), PageSize: s.PageSize,
		CallTimeout: a.cfg.Timing.Call.Std(), HTTPClient: a.client(sys.Name, s.URL), Now: a.p.now, Logger: a.log.With("system", sys.Name), Pace: a.pacer(sys.Name),
	}
	types := map[string]directory.Type{
		"": directory.Text, "text": directory.Text, "int": directory.Int, "bool": directory.Bool, "date": directory.Date,
	}
	for _, one := range s.Attributes {
		o.Attributes = append(o.Attributes, scim.Attribute{Name: one.Name, Path: one.Path, Type: types[one.Type]})
	}
	return scim.New(o)
}
