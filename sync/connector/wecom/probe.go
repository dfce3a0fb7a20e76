package wecom

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rollcallhq/rollcall/sync/connector"
)

// Capability is one thing that one credential may or may not do.
type Capability struct {
	Credential string         // "contacts_secret" or "app_secret"
	Path       string         // the call that was tried
	Means      connector.Text // what it is for
	Needed     bool           // without it nothing works
	Err        error          // nil when it works; a fault
}

// probes are the calls that change nothing. Writing cannot be tried without an
// effect: it stays unverified until the first change.
func (c *Connector) probes() []Capability {
	list := []Capability{
		{contactsName, "department/simplelist", connector.Text{ZH: "列出部门编号", EN: "lists department ids"}, true, nil},
		{contactsName, "user/list_id", connector.Text{ZH: "列出成员编号", EN: "lists member ids"}, true, nil},
		{contactsName, "department/get", connector.Text{ZH: "读取部门名称与成员详情", EN: "reads names and details"}, false, nil},
	}
	if c.app == nil {
		return list
	}
	return append(list, Capability{
		appName, "department/list", connector.Text{ZH: "读取可见范围内的名称与成员详情", EN: "reads names and details within its visible scope"}, true, nil,
	})
}

// Matrix tries each call that each credential is for, once. An error in it is a
// fault that says what to change.
func (c *Connector) Matrix(ctx context.Context) []Capability {
	list := c.probes()
	for i := range list {
		list[i].Err = c.try(ctx, &list[i])
	}
	return list
}

func (c *Connector) try(ctx context.Context, p *Capability) error {
	var t tally
	r := call{method: http.MethodGet, path: p.Path, key: c.contacts}
	if p.Credential == appName {
		r.key = c.app
	}
	switch p.Path {
	case "user/list_id":
		r.method, r.body = http.MethodPost, map[string]any{"cursor": "", "limit": 1}
		return c.read(ctx, r, &t, &userIDs{})
	case "department/get":
		r.query = url.Values{"id": {"1"}}
		err := c.read(ctx, r, &t, &departmentGet{})
		c.hides(r.key, err)
		return err
	case "department/list":
		return c.read(ctx, r, &t, &departmentList{})
	default:
		return c.read(ctx, r, &t, &departmentIDs{})
	}
}

// Probe tests the credentials by what each of them is for. That the contacts
// secret may not read details is no fault: it is usual, and shown as hidden
// attributes. Faults: those of Read.
func (c *Connector) Probe(ctx context.Context) error {
	for _, p := range c.probes() {
		if !p.Needed {
			continue
		}
		if err := c.try(ctx, &p); err != nil {
			return err
		}
	}
	return nil
}
