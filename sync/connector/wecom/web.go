package wecom

import (
	"context"
	"slices"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// keepTitles gives web addresses that change the titles that they have: the wire
// has both in one, and no attribute speaks of the title. Where the member is not
// shown, the title is that of a new address.
func (c *Connector) keepTitles(ctx context.Context, w connector.Write, body map[string]any) error {
	extra, _ := body["extattr"].(*extAttr)
	if extra == nil || w.Op == plan.Create {
		return nil
	}
	titled := func(item extItem) bool { return item.Web != nil && item.Web.URL != "" }
	if !slices.ContainsFunc(extra.Attrs, titled) {
		return nil
	}
	m, err := c.current(ctx, string(w.Key.ID))
	if err != nil || m == nil || m.Extra == nil {
		return err
	}
	for _, item := range extra.Attrs {
		if !titled(item) {
			continue
		}
		for _, old := range m.Extra.Attrs {
			if old.Name == item.Name && old.Web != nil && old.Web.Title != "" {
				item.Web.Title = old.Web.Title
			}
		}
	}
	return nil
}
