package bot

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rollcallhq/rollcall/sync/fault"
)

// option reads name=value, name:value, --name=value or --name value.
func option(words []string) (name, value string, used int, is bool) {
	word, dashed := strings.CutPrefix(words[0], "--")
	if i := strings.IndexAny(word, "=:"); i > 0 {
		name, value = fold(word[:i]), strings.TrimSpace(word[i+1:])
		_, known := optionNames()[name]
		return name, value, 1, dashed || known
	}
	if !dashed || word == "" {
		return "", "", 0, false
	}
	if len(words) > 1 {
		return fold(word), words[1], 2, true
	}
	return fold(word), "", 1, true
}

func (p *parser) option(name, value string) error {
	canonical, known := optionNames()[name]
	if !known || !slices.Contains(p.spec.options, canonical) {
		return fault.New(fault.Invalid, "unknown option “%s”; write: %s / 没有选项“%s”；写法：%s", name, p.spec.usageEN, name, p.spec.usageZH)
	}
	if p.given[canonical] {
		return fault.New(fault.Invalid, "%s stands twice; nothing was run / “%s”写了两次，没有执行", name, name)
	}
	p.given[canonical] = true
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

const maxCount = 10_000_000

// part reads what of a plan is asked for.
func (p *parser) part(word string) bool {
	if kind, ok := kindNames()[fold(word)]; ok {
		p.c.Kind = kind
		return true
	}
	n, err := strconv.Atoi(strings.TrimPrefix(word, "#"))
	if err != nil || n < 1 || n > maxCount {
		return false
	}
	p.c.Item = n
	return true
}

func (p *parser) usage() error {
	return fault.New(fault.Invalid, "write: %s / 写法：%s", p.spec.usageEN, p.spec.usageZH)
}
