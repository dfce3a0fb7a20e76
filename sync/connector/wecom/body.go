package wecom

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// userBody builds the body of user/create or user/update: the userid and what
// Write.After gives, nothing else. What a body does not name stays as it is; a
// zero value would disable people or take their departments.
func (c *Connector) userBody(w connector.Write) (map[string]any, error) {
	id := string(w.Key.ID)
	if v := w.After[attrUserID]; !v.IsEmpty() && v.Type() != directory.Unknown {
		id = clean(v.String())
	}
	if id == "" {
		return nil, fault.New(fault.Invalid, "a new member needs a userid: map it / 新成员需要 userid：请在映射中给出")
	}
	if w.Key.ID != "" && fold(id) != fold(string(w.Key.ID)) {
		return nil, fault.New(fault.Invalid, "the userid of a member cannot be changed / 成员的 userid 不能修改")
	}
	if w.Op != plan.Create {
		id = string(w.Key.ID)
	}
	body := map[string]any{attrUserID: id}
	for _, name := range w.After.Names() {
		if err := c.putUser(body, name, w); err != nil {
			return nil, err
		}
	}
	if _, given := body[attrDepartment]; !given && w.Op == plan.Create {
		body[attrDepartment], body["main_department"] = []int64{rootID}, int64(rootID)
	}
	return body, nil
}

// putUser writes one attribute of a member into a body.
func (c *Connector) putUser(body map[string]any, name string, w connector.Write) error {
	v := w.After[name]
	create := w.Op == plan.Create
	if name == attrUserID || v.Type() == directory.Unknown {
		return nil
	}
	if a, ok := c.info.Attribute(directory.User, name); !ok || !a.Writable {
		return unwritable(name)
	}
	switch name {
	case attrActive:
		return putActive(body, v, create)
	case attrDepartment:
		ids, err := departmentIDsOf(name, v)
		if err != nil {
			return err
		}
		body[attrDepartment], body["main_department"] = ids, ids[0]
	case attrLeads, attrDeptOrder: // see place
	case attrDirectLeader:
		return putLeaders(body, v, create)
	default:
		s := clean(v.String())
		if s == "" && create {
			return nil
		}
		return c.putText(body, name, s)
	}
	return nil
}

// putLeaders writes whom a member reports to; an empty list clears it.
func putLeaders(body map[string]any, v directory.Value, create bool) error {
	leaders := []string{}
	for _, ref := range v.Refs() {
		if ref.Pending || ref.Kind != directory.User {
			return badRef(attrDirectLeader, ref)
		}
		leaders = append(leaders, string(ref.ID))
	}
	if len(leaders) > 0 || !create {
		body[attrDirectLeader] = leaders
	}
	return nil
}

func (c *Connector) putText(body map[string]any, name, s string) error {
	if custom, ok := strings.CutPrefix(name, extPrefix); ok {
		extra, _ := body["extattr"].(*extAttr)
		if extra == nil {
			extra = &extAttr{}
			body["extattr"] = extra
		}
		item, err := c.extItem(clean(custom), s)
		extra.Attrs = append(extra.Attrs, item)
		return err
	}
	switch {
	case name == attrGender && s != "" && s != "1" && s != "2":
		return fault.New(fault.Invalid, "gender is 1 (male) or 2 (female) / 性别只能是 1（男）或 2（女）")
	case name == attrMobile:
		s = strings.ReplaceAll(s, " ", "")
	}
	body[name] = s
	return nil
}

// webTitle is how long the title of a web address may be, in characters.
const webTitle = 12

// extItem gives one custom attribute as the vendor wants it.
func (c *Connector) extItem(name, s string) (extItem, error) {
	if !slices.Contains(c.options.ExtAttrs, webPrefix+name) {
		return extItem{Name: name, Text: &extText{Value: s}}, nil
	}
	item := extItem{Type: 1, Name: name, Web: &extWeb{}}
	if s == "" {
		return item, nil
	}
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return item, fault.New(fault.Invalid, "%s is a web address: it begins with https:// / %s 是链接：要以 https:// 开头", clip(name), clip(name))
	}
	title := []rune(name)
	*item.Web = extWeb{URL: s, Title: string(title[:min(len(title), webTitle)])}
	return item, nil
}

// putActive writes enable. Taking an account away is an operation of its own,
// under votes: it must not come in by an update.
func putActive(body map[string]any, v directory.Value, create bool) error {
	on, ok := v.Bool()
	switch {
	case !ok:
		return nil
	case on:
		body["enable"] = 1
	case create:
		body["enable"] = 0
	default:
		return fault.New(fault.Invalid, "an account is disabled by DISABLE, not by an update / 停用账号须使用 DISABLE，而不是更新")
	}
	return nil
}

// departmentBody builds the body of department/create or department/update.
func departmentBody(w connector.Write) (map[string]any, error) {
	body := map[string]any{}
	id := string(w.Key.ID)
	if given := w.After[attrID]; w.Op == plan.Create && !given.IsEmpty() && given.Type() != directory.Unknown {
		id = given.String()
	}
	if id != "" {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil || n <= rootID {
			return nil, fault.New(fault.Invalid, "a department id is a number above 1, not %q / 部门 ID 须为大于 1 的数字，而不是 %q", clip(id), clip(id))
		}
		body[attrID] = n
	}
	for _, name := range w.After.Names() {
		if err := putDepartment(body, name, w.After[name]); err != nil {
			return nil, err
		}
	}
	return body, nil
}

// putDepartment writes one attribute of a department into a body.
func putDepartment(body map[string]any, name string, v directory.Value) error {
	if v.Type() == directory.Unknown {
		return nil
	}
	switch name {
	case attrID, attrActive:
	case attrName, attrNameEN:
		body[name] = clean(v.String())
	case attrParent:
		ids, err := departmentIDsOf(name, v)
		if err != nil {
			return err
		}
		body["parentid"] = ids[0]
	case attrOrder:
		if v.IsEmpty() {
			return nil
		}
		n, err := strconv.ParseUint(strings.TrimSpace(v.String()), 10, 32)
		if err != nil {
			return fault.New(fault.Invalid, "order is a number from 0 to 4294967295 / 排序须为 0 到 4294967295 的数字")
		}
		body[attrOrder] = n
	default:
		return unwritable(name)
	}
	return nil
}

// departmentIDsOf gives the ids of a value of departments; none means the root.
func departmentIDsOf(name string, v directory.Value) ([]int64, error) {
	if v.IsEmpty() {
		return []int64{rootID}, nil
	}
	if v.Type() != directory.Refs {
		return nil, fault.New(fault.Invalid, "%s has to come from departments, not from %s / %s 须由部门映射而来，而不是 %s", name, v.Type(), name, v.Type())
	}
	var ids []int64
	for _, ref := range v.Refs() {
		n, err := strconv.ParseInt(string(ref.ID), 10, 64)
		if ref.Pending || ref.Kind != directory.Department || err != nil {
			return nil, badRef(name, ref)
		}
		ids = append(ids, n)
	}
	return ids, nil
}

func badRef(name string, ref directory.Ref) error {
	return fault.New(fault.Invalid, "%s refers to %s, which is not in WeCom / %s 指向的 %s 不在企业微信中", name, clip(ref.String()), name, clip(ref.String()))
}

// unwritable is the fault of an attribute that cannot be written here.
func unwritable(name string) error {
	instead := map[string]string{
		directory.AttrDepartments: attrDepartment, directory.AttrTitle: attrPosition, directory.AttrManager: attrDirectLeader,
	}[name]
	if instead != "" {
		return fault.New(fault.Invalid, "WeCom's name for %s is %s: map to that / 企业微信中 %s 对应 %s，请映射到它", name, instead, name, instead)
	}
	return fault.New(fault.Invalid, "WeCom has no writable attribute %s / 企业微信没有可写属性 %s", clip(name), clip(name))
}
