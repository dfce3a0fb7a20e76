package dingtalk

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcallhq/rollcall/sync/connector"
	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// The vendor's names of fields that differ from the attributes.
const (
	deptIDList    = "dept_id_list"
	deptOrderList = "dept_order_list"
	jobNumber     = "job_number"
	managerUserID = "manager_userid"
	forceUpdate   = "force_update_fields"
	extUpdateMode = "ext_attrs_update_mode"
)

// userBody is what a change of a person writes: the userid and what Write.After
// gives, nothing else.
type userBody struct {
	create bool
	fields map[string]any
	leads  *[]int64 // departments; nil when the change does not say
	active bool     // put the account back into use
	custom map[string]string
}

// anything tells whether user/update has something to write.
func (b *userBody) anything() bool { return len(b.fields) > 1 }

// moved tells whether the change gives departments.
func (b *userBody) moved() bool {
	_, given := b.fields[deptIDList]
	return given
}

func (c *Connector) userBody(w connector.Write) (*userBody, error) {
	id, err := userIDOf(w)
	if err != nil {
		return nil, err
	}
	b := &userBody{create: w.Op == plan.Create, fields: map[string]any{}}
	if id != "" {
		b.fields[attrUserID] = id
	}
	for _, name := range w.After.Names() {
		if v := w.After[name]; name != attrUserID && v.Type() != directory.Unknown {
			if err := c.put(b, name, v); err != nil {
				return nil, err
			}
		}
	}
	if err := b.extend(); err != nil {
		return nil, err
	}
	if !b.create {
		return b, nil
	}
	if textIn(b.fields, directory.AttrName) == "" || textIn(b.fields, directory.AttrMobile) == "" {
		return nil, fault.New(fault.Invalid, "a new member needs a name and a mobile number: map them / 新成员需要姓名和手机号：请在映射中给出")
	}
	if !b.moved() {
		b.fields[deptIDList] = numberText(rootID)
	}
	return b, nil
}

// userIDOf gives the userid that a change names: of a new member the wanted one,
// "" to let DingTalk choose; later the one it has, since it never changes.
func userIDOf(w connector.Write) (string, error) {
	key := string(w.Key.ID)
	id := key
	if v := w.After[attrUserID]; !v.IsEmpty() && v.Type() != directory.Unknown {
		id = clean(v.String())
	}
	if key != "" && !strings.EqualFold(id, key) {
		return "", fault.New(fault.Invalid, "the userid of a member cannot be changed / 成员的 userid 不能修改")
	}
	if w.Op != plan.Create {
		return key, nil
	}
	return id, nil
}

// put writes one attribute into the body.
func (c *Connector) put(b *userBody, name string, v directory.Value) error {
	if custom, ok := strings.CutPrefix(name, extPrefix); ok && slices.Contains(c.options.CustomAttributes, custom) {
		if b.custom == nil {
			b.custom = map[string]string{}
		}
		b.custom[custom] = clean(v.String())
		return nil
	}
	switch name {
	case directory.AttrName, directory.AttrTitle, directory.AttrEmail, attrOrgEmail, attrTelephone, attrWorkPlace, attrRemark:
		b.text(name, v)
	case directory.AttrEmployeeNo:
		b.text(jobNumber, v)
	case directory.AttrMobile:
		return b.mobile(v)
	case attrHiredDate:
		return b.hired(v, c.options.Zone)
	case directory.AttrDepartments:
		ids, err := departmentIDsOf(name, v)
		if err != nil {
			return err
		}
		return c.move(b, ids)
	case attrDeptOrder:
		return b.orders(v)
	case directory.AttrLeads:
		ids, err := departmentIDsOf(name, v)
		b.leads = &ids
		return err
	case directory.AttrManager:
		return b.manager(v)
	case directory.AttrActive:
		return b.activity(v)
	default:
		return unwritable(name)
	}
	return nil
}

// text writes a text. A new member starts without: there is nothing to empty.
func (b *userBody) text(field string, v directory.Value) {
	if s := clean(v.String()); s != "" || !b.create {
		b.fields[field] = s
	}
}

// mobile writes the number of a new member. Later only the person can change it,
// since it is what they sign in with.
func (b *userBody) mobile(v directory.Value) error {
	if !b.create {
		m := meanings["40022"]
		return &fault.Error{Kind: m.kind, Say: m.en + " / " + m.zh}
	}
	b.fields[directory.AttrMobile] = dialled(v.String())
	return nil
}

// dialled gives a number in the form that DingTalk takes: plain for the mainland,
// +852-12345678 elsewhere. Who writes +86- keeps it: a corp that is registered
// abroad needs it.
func dialled(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '(' || r == ')' {
			return -1
		}
		return r
	}, clean(s))
	rest, abroad := strings.CutPrefix(s, "+")
	if !abroad {
		rest, abroad = strings.CutPrefix(s, "00")
	}
	if !abroad || strings.Contains(rest, "-") {
		return s
	}
	const length = 11
	if number, ok := strings.CutPrefix(rest, mainland); ok && len(number) == length {
		return number
	}
	// No code begins another one.
	for _, state := range []string{"852", "853", "886", "1", "7", "33", "44", "49", "60", "61", "62", "63", "65", "66", "81", "82", "84", "91"} {
		if number, ok := strings.CutPrefix(rest, state); ok {
			return "+" + state + "-" + number
		}
	}
	return s
}

// hired writes the day as an instant, as the vendor keeps it.
func (b *userBody) hired(v directory.Value, zone *time.Location) error {
	day, ok := v.Time(zone)
	switch {
	case ok:
		b.fields[attrHiredDate] = day.UnixMilli()
	case v.IsEmpty() && b.create:
	case v.IsEmpty():
		return fault.New(fault.Invalid, "DingTalk does not let apps empty the hired date: clear it in the admin console / 钉钉不允许应用清空入职时间：请在管理后台清除")
	default:
		return fault.New(fault.Invalid, "hired_date has to be a date, not %s / hired_date 须为日期，而不是 %s", v.Type(), v.Type())
	}
	return nil
}

// move writes the departments; none means the root. Into quarantine leads only
// DISABLE, under its votes.
func (c *Connector) move(b *userBody, ids []int64) error {
	if c.quarantine != 0 && slices.Contains(ids, c.quarantine) {
		return fault.New(fault.Invalid, "an account is moved to the quarantine department by DISABLE, not by an update / 移入隔离部门须使用 DISABLE，而不是更新")
	}
	if len(ids) == 0 {
		ids = []int64{rootID}
	}
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = numberText(id)
	}
	b.fields[deptIDList] = strings.Join(texts, ",")
	return nil
}

// orders writes the person's place in departments, each "department:place".
func (b *userBody) orders(v directory.Value) error {
	list := []map[string]any{}
	for _, item := range v.List() {
		dept, place, ok := strings.Cut(item, orderSign)
		d, errDept := strconv.ParseInt(dept, 10, 64)
		n, errPlace := strconv.ParseInt(place, 10, 64)
		if !ok || errDept != nil || errPlace != nil {
			return fault.New(fault.Invalid, "dept_order is a list of department:place such as 123:10, not %q / dept_order 是“部门:次序”的列表，例如 123:10，而不是 %q", clip(item), clip(item))
		}
		list = append(list, map[string]any{"dept_id": d, "order": n})
	}
	if v.Type() != directory.List && !v.IsEmpty() {
		return fault.New(fault.Invalid, "dept_order has to be a list / dept_order 须为列表")
	}
	switch {
	case len(list) > 0:
		b.fields[deptOrderList] = list
	case !b.create:
		return noEmptyOrder("dept_order")
	}
	return nil
}

// noEmptyOrder is the fault of a place in an order that is to be emptied.
func noEmptyOrder(name string) error {
	return fault.New(fault.Invalid, "DingTalk always keeps an order and cannot empty it: map a number to %s, or take it out of the mapping / 钉钉的排序值始终存在，不能清空：请为 %s 映射一个数字，或从映射中去掉", name, name)
}

// manager writes whom the person reports to. An empty field says nothing to
// DingTalk: it is cleared by being named in force_update_fields.
func (b *userBody) manager(v directory.Value) error {
	list := v.Refs()
	switch {
	case len(list) == 0 && v.IsEmpty():
		if !b.create {
			b.fields[forceUpdate] = managerUserID
		}
		return nil
	case len(list) != 1 || list[0].Pending || list[0].Kind != directory.User:
		return fault.New(fault.Invalid, "manager has to be one member of DingTalk, not %q / 直属主管须为钉钉中的一名成员，而不是 %q", clip(v.String()), clip(v.String()))
	}
	b.fields[managerUserID] = string(list[0].ID)
	return nil
}

// activity takes the wish to put an account back into use. Taking it out is an
// operation of its own, under votes.
func (b *userBody) activity(v directory.Value) error {
	switch on, ok := v.Bool(); {
	case !ok:
	case !on:
		return fault.New(fault.Invalid, "an account is disabled by DISABLE, not by an update / 停用账号须使用 DISABLE，而不是更新")
	default:
		b.active = !b.create
	}
	return nil
}

// extend writes the custom fields. In the vendor's default mode every field that
// is not sent is wiped: they are always appended.
func (b *userBody) extend() error {
	if b.create {
		for name, s := range b.custom {
			if s == "" {
				delete(b.custom, name)
			}
		}
	}
	if len(b.custom) == 0 {
		return nil
	}
	data, err := json.Marshal(b.custom)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "custom fields cannot be encoded / 自定义字段无法编码")
	}
	b.fields["extension"] = string(data)
	if !b.create {
		b.fields[extUpdateMode] = 1
	}
	return nil
}

// departmentIDsOf gives the ids of a value of departments, none for the root.
func departmentIDsOf(name string, v directory.Value) ([]int64, error) {
	if v.Type() != directory.Refs && !v.IsEmpty() {
		return nil, fault.New(fault.Invalid, "%s has to come from departments, not from %s / %s 须由部门映射而来，而不是 %s", name, v.Type(), name, v.Type())
	}
	ids := []int64{}
	for _, ref := range v.Refs() {
		n, err := strconv.ParseInt(string(ref.ID), 10, 64)
		if ref.Pending || ref.Kind != directory.Department || err != nil {
			return nil, fault.New(fault.Invalid, "%s refers to %s, which is not in DingTalk / %s 指向的 %s 不在钉钉中", name, clip(ref.String()), name, clip(ref.String()))
		}
		ids = append(ids, n)
	}
	return ids, nil
}

// unwritable is the fault of an attribute that cannot be written here.
func unwritable(name string) error {
	if name == jobNumber {
		return fault.New(fault.Invalid, "DingTalk's job_number is called employee_no here: map to that / 钉钉的 job_number 在这里名为 employee_no，请映射到它")
	}
	return fault.New(fault.Invalid, "DingTalk has no writable attribute %s / 钉钉没有可写属性 %s", clip(name), clip(name))
}
