package feishu

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// order is a person's place: in one of their departments (Place), and of that
// department among theirs (Rank); the higher, the further in front.
type order struct {
	Department string `json:"department_id"`
	Place      int64  `json:"user_order"`
	Rank       int    `json:"department_order"`
	Primary    bool   `json:"is_primary_dept"`
}

func (o *order) rank() int {
	if o.Primary {
		return int(^uint(0) >> 1)
	}
	return o.Rank
}

// orders gives the places by department; shown is false when they did not come.
func (r record) orders() (places map[string]order, shown bool) {
	var list []order
	if r["orders"] == nil || json.Unmarshal(r["orders"], &list) != nil {
		return nil, false
	}
	places = make(map[string]order, len(list))
	for _, o := range list {
		places[o.Department] = o
	}
	return places, true
}

// departmentIDs gives a person's departments, the root among them, the main one
// first: the one with the flag, then by department_order from the highest.
func (r record) departmentIDs() (ids []string, shown bool) {
	if r["department_ids"] == nil || json.Unmarshal(r["department_ids"], &ids) != nil {
		return nil, false
	}
	if places, ok := r.orders(); ok {
		rank := func(id string) int {
			o := places[id]
			return o.rank()
		}
		slices.SortStableFunc(ids, func(a, b string) int { return cmp.Compare(rank(b), rank(a)) })
	}
	var once []string
	for _, id := range ids {
		if id != "" && !slices.Contains(once, id) {
			once = append(once, id)
		}
	}
	return once, true
}

// memberOrder gives the person's numbers in the departments of "departments", in
// that order.
func (r record) memberOrder() (directory.Value, bool) {
	ids, shown := r.departmentIDs()
	places, ordered := r.orders()
	if !shown || !ordered {
		return directory.Value{}, false
	}
	numbers := []string{}
	for _, id := range ids {
		if id != rootID {
			numbers = append(numbers, strconv.FormatInt(places[id].Place, 10))
		}
	}
	return directory.ListOf(numbers...), true
}

// encodeOrder reads one number for each department; a text is split at commas.
func (f *field) encodeOrder(v directory.Value) ([]int64, error) {
	list := v.List()
	if s := v.String(); len(list) == 0 && s != "" {
		list = strings.Split(s, ",")
	}
	numbers := []int64{}
	for _, s := range list {
		n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 31)
		if err != nil {
			return nil, invalid(f.name, "应为每个部门一个 0 到 2147483647 的整数", "takes one number from 0 to 2147483647 for each department")
		}
		numbers = append(numbers, int64(n))
	}
	return numbers, nil
}

// setOrders completes what stands together on the wire: Feishu takes orders only
// together with department_ids, and the department with the highest
// department_order for the main one. numbers is nil when the write gives none;
// then those of the departments that stay are kept. old is nil for somebody new,
// or when it is not known.
func (b body) setOrders(numbers []int64, old record) error {
	ids, moves := b["department_ids"].([]string)
	if numbers == nil && len(ids) < 2 {
		return nil
	}
	if !moves {
		if ids, _ = old.departmentIDs(); len(ids) == 0 {
			return fault.New(fault.Denied, "看不到成员的部门，不能修改排序：请开通 %s / the user's departments are hidden, so that their order cannot be changed: grant %s",
				permDepartment, permDepartment)
		}
		b["department_ids"] = ids
	}
	places, _ := old.orders()
	if numbers != nil {
		var err error
		if places, err = replaced(places, ids, numbers); err != nil {
			return err
		}
	}
	orders := []map[string]any{}
	for i, id := range ids {
		o := map[string]any{"department_id": id, "department_order": len(ids) - i, "is_primary_dept": i == 0}
		if place, known := places[id]; known && (place.Place > 0 || numbers != nil) {
			o["user_order"] = place.Place
		}
		orders = append(orders, o)
	}
	b["orders"] = orders
	return nil
}

// replaced gives the places with new numbers in all departments but the root.
func replaced(places map[string]order, ids []string, numbers []int64) (map[string]order, error) {
	out := map[string]order{rootID: places[rootID]}
	below := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == rootID })
	if len(below) != len(numbers) {
		return nil, fault.New(fault.Invalid, "department_order 有 %d 个数字，部门有 %d 个：应一一对应 / department_order holds %d numbers for %d departments: one each is needed",
			len(numbers), len(below), len(numbers), len(below))
	}
	for i, id := range below {
		out[id] = order{Place: numbers[i]}
	}
	return out, nil
}
