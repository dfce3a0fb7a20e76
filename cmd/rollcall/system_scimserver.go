package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/rollcallhq/rollcall/configs"
	"github.com/rollcallhq/rollcall/store"
	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/connector/scimserver"
	"github.com/rollcallhq/rollcall/sync/directory"
)

var _ scimserver.Shelf = (*store.Store)(nil)

// scimPath is where a provider pushes into a system.
func scimPath(system string) string { return "/scim/" + system + "/v2" }

func (a *app) scimServerSource(sys *configs.System) (connector.Source, error) {
	var pushed scimserver.Shelf = closedShelf{}
	if a.store != nil {
		pushed = a.store
	}
	c := sys.SCIMServer
	o := scimserver.Options{
		System: sys.Name, Path: scimPath(sys.Name), Token: c.Token.Reveal(), Contents: c.Contents, Strict: c.Strict,
		Shelf: pushed, Now: a.p.now, Logger: a.log.With("system", sys.Name),
	}
	if public := a.cfg.Server.PublicURL; public != "" {
		o.BaseURL = public + "/scim/" + url.PathEscape(sys.Name) + "/v2"
	}
	types := map[string]directory.Type{"": directory.Text, "text": directory.Text, "int": directory.Int, "bool": directory.Bool, "date": directory.Date}
	for _, at := range c.Attributes {
		o.Attributes = append(o.Attributes, scimserver.Attribute{Name: at.Name, Path: at.Path, Type: types[at.Type]})
	}
	return scimserver.New(o)
}

// addSCIM adds the ends that identity providers push to: everything below
// /scim/NAME/v2.
func (a *app) addSCIM(handlers map[string]http.Handler) error {
	var errs []error
	for i := range a.cfg.Systems {
		sys := &a.cfg.Systems[i]
		if sys.SCIMServer == nil {
			continue
		}
		source, err := a.source(sys.Name)
		if err != nil {
			errs = append(errs, fmt.Errorf("systems.%s: %w", sys.Name, err))
			continue
		}
		if h, ok := source.(http.Handler); ok {
			handlers[scimPath(sys.Name)+"/"] = a.refusals("scim", h)
		}
	}
	return errors.Join(errs...)
}
