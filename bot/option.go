package bot

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/fault"
)

// maxCount is the largest number that an option takes.
const maxCount = 10_000_000

// optionNames gives the canonical name of every option word.
func optionNames() map[string]string {
	return map[string]string{
		"删除": "delete", "delete": "delete", "停用": "disable", "disable": "disable", "总数": "total", "total": "total",
		"页": "page", "page": "page", "天": "days", "days": "days",
		"仅": "only", "only": "only", "保留": "hold", "hold": "hold", "文件": "file", "file": "file", "到": "until", "until": "until",
		"谁": "by", "by": "by", "操作": "op", "op": "op", "流程": "flow", "flow": "flow", "深": "deep", "deep": "deep", "刷新": "fresh", "fresh": "fresh",
		"部门": "dept", "dept": "dept", "类型": "kind", "kind": "kind", "yes": "yes", "确认": "yes", "本群": "room", "room": "room",
	}
}

// isFlag tells whether an option takes no value.
func isFlag(canonical string) bool {
	return canonical == "fresh" || canonical == "file" || canonical == "deep" || canonical == "yes" || canonical == "room"
}

// bareFlags are the flags that are understood without dashes.
func bareFlags() map[string]string {
	return map[string]string{"文件": "file", "确认": "yes", "本群": "room"}
}

// option reads name=value, name:value, --name=value or --name value; a flag
// stands alone.
func option(words []string) (name, value string, used int, is bool) {
	word, dashed := strings.CutPrefix(words[0], "--")
	if i := strings.IndexAny(word, "=:"); i > 0 {
		name, value = fold(word[:i]), strings.TrimSpace(word[i+1:])
		canonical, known := optionNames()[name]
		if canonical == "until" && len(words) > 1 && needsClock(value, words[1]) {
			return name, value + " " + words[1], 2, true
		}
		return name, value, 1, dashed || known
	}
	if !dashed || word == "" {
		return "", "", 0, false
	}
	name = fold(word)
	switch canonical := optionNames()[name]; {
	case isFlag(canonical) || len(words) < 2 || strings.HasPrefix(words[1], "--"):
		return name, "", 1, true
	case canonical == "until" && len(words) > 2 && needsClock(words[1], words[2]):
		return name, words[1] + " " + words[2], 3, true
	default:
		return name, words[1], 2, true
	}
}

// needsClock tells whether the second word is the time of the day that the first
// one names: 周五 18:00.
func needsClock(first, second string) bool {
	_, _, already := clockOf(first)
	_, _, is := clockOf(second)
	return is && !already && first != ""
}

// option takes one option.
func (p *parser) option(name, value string) error {
	canonical, known := optionNames()[name]
	switch {
	case !known || !slices.Contains(p.spec.options, canonical):
		return p.noOption(name)
	case p.given[canonical]:
		return fault.New(fault.Invalid, "%s stands twice; nothing was run / “%s”写了两次，没有执行", name, name)
	case isFlag(canonical) && value != "":
		return fault.New(fault.Invalid, "%s takes no value / “%s”后面不写值", name, name)
	}
	p.given[canonical] = true
	switch {
	case isFlag(canonical):
		p.flag(canonical)
		return nil
	case canonical == "delete" || canonical == "disable" || canonical == "total" || canonical == "page" || canonical == "days":
		return p.number(canonical, name, value)
	case value == "":
		return fault.New(fault.Invalid, "%s needs a value; write: %s / “%s”后面要写值；写法：%s", name, p.spec.usageEN, name, p.spec.usageZH)
	}
	if !p.worded(canonical, value) {
		return fault.New(fault.Invalid, "%s cannot be “%s”; write: %s / “%s”不能是“%s”；写法：%s", name, value, p.spec.usageEN, name, value, p.spec.usageZH)
	}
	return nil
}

// noOption refuses an option that the command does not have, and names the
// nearest that it has.
func (p *parser) noOption(name string) error {
	if len(p.spec.options) == 0 {
		return fault.New(fault.Invalid, "unknown option “%s”; write: %s / 没有选项“%s”；写法：%s", name, p.spec.usageEN, name, p.spec.usageZH)
	}
	en, zh := nearOptions(p.spec.options, name, EN), nearOptions(p.spec.options, name, ZH)
	return fault.New(fault.Invalid, "unknown option “%s”; the nearest: %s; write: %s / 没有选项“%s”；最接近的是：%s；写法：%s", name, en, p.spec.usageEN, name, zh, p.spec.usageZH)
}

// nearOptions names the two options of a command that are nearest to a word.
func nearOptions(options []string, word string, l Lang) string {
	type near struct {
		word string
		slip int
	}
	var all []near
	for _, name := range slices.Sorted(maps.Keys(optionNames())) {
		if canonical := optionNames()[name]; slices.Contains(options, canonical) && inScript(name) == l {
			all = append(all, near{name, distance([]rune(word), []rune(name))})
		}
	}
	slices.SortStableFunc(all, func(x, y near) int { return cmp.Compare(x.slip, y.slip) })
	names := make([]string, 0, 2)
	for _, n := range all[:min(len(all), 2)] {
		names = append(names, "--"+n.word)
	}
	return l.list(names)
}

// inScript gives the language that a word is of.
func inScript(word string) Lang {
	if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		return ZH
	}
	return EN
}

func (p *parser) flag(canonical string) {
	switch canonical {
	case "file":
		p.c.File = true
	case "fresh": // every plan reads both sides afresh, asked or not
	case "deep":
		p.c.Deep = true
	case "yes":
		p.c.Yes = true
	case "room":
		p.c.Room = true
	}
}

func (p *parser) number(canonical, name, value string) error {
	n, err := strconv.Atoi(strings.TrimRight(value, "人项个名位"))
	if err != nil || n < 0 || n > maxCount || strings.HasPrefix(value, "+") {
		return fault.New(fault.Invalid, "%s needs a number, not “%s” / %s 要写数字，不能是“%s”", name, value, name, value)
	}
	switch canonical {
	case "delete":
		p.c.Typed.Delete = n
	case "disable":
		p.c.Typed.Disable = n
	case "total":
		p.c.Typed.Total = n
	case "page":
		p.c.Page = max(1, n)
	case "days":
		p.c.Days = n
	}
	return nil
}

// worded takes an option whose value is a word or a list; it tells whether that
// can be.
func (p *parser) worded(canonical, value string) bool {
	known := true
	switch canonical {
	case "only":
		p.c.Only = items(value)
		known = p.c.Only != ""
	case "hold":
		p.c.Hold = items(value)
		known = p.c.Hold != ""
	case "until":
		p.c.Until = value
	case "by":
		p.c.Person = value
		known = value != "@"
	case "flow":
		p.c.Flow = value
	case "dept":
		p.c.Dept = value
	case "op":
		p.c.Op, known = opNames()[fold(value)]
	case "kind":
		p.c.Part, known = partNames()[fold(value)]
	}
	return known
}

// items brings a list of parts of a plan into one form. A mention counts by its
// name here, since a plan knows no chat accounts, and keeps its @: it names people
// only, also when somebody is called like a department or an operation.
func items(value string) string {
	var all []string
	for _, one := range split(value) {
		if one = strings.TrimSpace(one); strings.Trim(one, "@ ") != "" {
			all = append(all, one)
		}
	}
	return strings.Join(all, ",")
}

// opNames gives the operation that a word names.
func opNames() map[string]string {
	return map[string]string{
		"新建": "create", "新增": "create", "create": "create", "更新": "update", "变更": "update", "update": "update",
		"停用": "disable", "disable": "disable", "删除": "delete", "delete": "delete",
	}
}

// partNames gives the kind of object that a word names.
func partNames() map[string]directory.Kind {
	return map[string]directory.Kind{
		"人": directory.User, "人员": directory.User, "user": directory.User, "users": directory.User,
		"部门": directory.Department, "dept": directory.Department, "department": directory.Department, "departments": directory.Department,
	}
}
