package matrix

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// unit is a department as the test means it. The key is the test's own name of it.
type unit struct{ key, name, parent string }

// person is somebody as the test means them.
type person struct {
	no, name, title, mobile, email string
	in                             []string // keys of units, the main one first; none: directly under the root
	boss                           string   // number of somebody
}

// company is what the source should hold, and so the target: the expected model.
type company struct {
	units  map[string]unit
	people map[string]person
}

// unitNames are the names of the departments of four levels; the tree follows
// from treeOf.
var unitNames = []string{
	"研发中心", "市场部 Marketing", "人力资源", "财务", "客服 & 支持",
	"平台组", "前端𠮷组", "测试", "品牌", "渠道（华东）", "招聘", "薪酬", "核算", "出纳", "一线",
	"存储", "计算", "网络", "设计é", "自动化", "活动", "媒介", "校招", "社招", "成本",
	"块存储", "对象存储", "调度", "夜班", "白班",
}

// treeOf gives the parent of each department by number: five at the top, ten
// below these, ten below those, five at the bottom.
var treeOf = []int{-1, -1, -1, -1, -1, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 5, 6, 7, 8, 8, 10, 10, 12, 15, 15, 16, 14, 14}

func unitKey(i int) string { return fmt.Sprintf("d%02d", i+1) }

func number(i int) string { return fmt.Sprintf("E%04d", i) }

// newCompany makes n people in all of the units. Some are directly under the root;
// with several set, some are in two units.
func newCompany(n int, several bool) *company {
	c := &company{units: map[string]unit{}, people: map[string]person{}}
	for i, name := range unitNames {
		u := unit{key: unitKey(i), name: name}
		if p := treeOf[i]; p >= 0 {
			u.parent = unitKey(p)
		}
		c.units[u.key] = u
	}
	family := []string{"张", "李", "王", "𠮷田", "Müller-", "欧阳", "O’Neill ", "赵"}
	given := []string{"伟", "敏", "静𪚥", "磊", "洋", "Ana María", "小龙"}
	for i := 1; i <= n; i++ {
		p := person{
			no: number(i), name: fmt.Sprintf("%s%s%d", family[i%len(family)], given[i%len(given)], i),
			title: []string{"工程师", "经理", "Analyst", "专员"}[i%4], mobile: fmt.Sprintf("138%08d", 1000+i),
			email: fmt.Sprintf("e%04d@example.com", i),
		}
		at := i % len(unitNames)
		if i%25 != 0 {
			p.in = []string{unitKey(at)}
		}
		if several && i%10 == 3 {
			p.in = append(p.in, unitKey((at+7)%len(unitNames)))
		}
		if i > len(unitNames) {
			p.boss = number(i%len(unitNames) + 1)
		}
		c.people[p.no] = p
	}
	return c
}

// path gives the names from the root down to a unit.
func (c *company) path(key string) string {
	if key == "" {
		return ""
	}
	u := c.units[key]
	return c.path(u.parent) + "/" + u.name
}

func (c *company) paths(keys []string) []string {
	var out []string
	for _, k := range keys {
		out = append(out, c.path(k))
	}
	return out
}

// unitsDown gives the units, parents first.
func (c *company) unitsDown() []unit {
	return slices.SortedFunc(maps.Values(c.units), func(a, b unit) int {
		if d := strings.Count(c.path(a.key), "/") - strings.Count(c.path(b.key), "/"); d != 0 {
			return d
		}
		return strings.Compare(a.key, b.key)
	})
}

// numbers gives the numbers of all people in order: a boss comes before those who
// have one.
func (c *company) numbers() []string { return slices.Sorted(maps.Keys(c.people)) }

// members gives who is in a unit.
func (c *company) members(key string) []string {
	var out []string
	for _, no := range c.numbers() {
		if slices.Contains(c.people[no].in, key) {
			out = append(out, no)
		}
	}
	return out
}
