package rosterfile

import (
	"slices"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// settle is how long a slow share may still be busy with a replacement whose
// caller is gone.
const settle = 5 * time.Second

// describe lists what every roster has; the columns of this one are known only
// after a reading: see Columns and Declared.
func describe(o *Options, name string) connector.Info {
	info := connector.Info{
		Type: "file", Tenant: name, IDAttribute: o.idAttribute(), UniqueID: true, CallTimeout: o.CallTimeout, Settle: settle,
		DeleteMeans: connector.Text{
			ZH: "这个人的那一行从文件中删除；点名会留下这一行被写过的内容，其他列的内容要从文件的备份中找。",
			EN: "The person's row is removed from the file; what Rollcall wrote in it is kept with the run, other columns only in a backup of the file.",
		},
		DisableMeans: connector.Text{
			ZH: "这一行保留，状态列标记为停用，随时可以改回来。",
			EN: "The row stays and is marked as disabled in its status column; that can be taken back at any time.",
		},
	}
	if o.ID != "" {
		ops := []plan.Op{plan.Create, plan.Update, plan.Delete}
		if o.Disabled != "" {
			ops = append(ops, plan.Disable)
		}
		info.Ops = map[directory.Kind][]plan.Op{directory.User: ops}
	}
	add := func(kind directory.Kind, name string, typ directory.Type) {
		if _, there := info.Attribute(kind, name); !there {
			info.Attributes = append(info.Attributes, connector.Attribute{Kind: kind, Name: name, Type: typ, Writable: kind == directory.User && o.ID != ""})
		}
	}
	for _, a := range o.Attributes {
		typ, _ := typeOf(a.Type)
		if a.Name == directory.AttrDepartments || a.Name == directory.AttrManager {
			typ = directory.Refs
		}
		add(directory.User, a.Name, typ)
	}
	for _, s := range standards() {
		add(directory.User, s.name, s.typ)
	}
	if id := info.IDAttribute; id != "" {
		add(directory.User, id, directory.Text)
	}
	add(directory.Department, directory.AttrName, directory.Text)
	add(directory.Department, directory.AttrParent, directory.Refs)
	add(directory.Department, directory.AttrPath, directory.Text)
	return info
}

// Describe tells what a roster file can do. It does not look at the file.
func (c *Connector) Describe() connector.Info {
	info := c.info
	info.Attributes = slices.Clone(info.Attributes)
	return info
}
