package ruletest

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// hiddenBy is what a rule's error says of an attribute that a case hides.
const hiddenBy = "by this test / 由测试隐藏"

// readCases reads the cases. base is the data of each.
func (s *Suite) readCases(r *reader, e entry, base directory.Attributes, types map[string]directory.Type) {
	nodes := r.items(e)
	switch {
	case e.key == "":
		r.bad(place{1, 1}, say("cases is missing", "缺少 cases"))
		return
	case len(nodes) > maxCases:
		r.bad(e.at, say("there are %d cases, at most %d are allowed: split the file", "共有 %d 个用例，最多 %d 个：请拆分文件", len(nodes), maxCases))
		return
	case len(nodes) == 0 && len(r.found) == 0:
		r.bad(e.at, say("cases is empty: a test without cases proves nothing", "cases 是空的：没有用例的测试说明不了什么"))
		return
	}
	names := map[string]int{}
	for i, n := range nodes {
		at := placeOf(n)
		keys, ok := r.known(n, at, caseKeys)
		if !ok {
			continue
		}
		c := s.readCase(r, keys, at, caseWorld{base: base, types: types, number: i + 1})
		if first, twice := names[c.name]; twice && c.name != "" {
			r.bad(keys["name"].where(), say("another case has the name %s, on line %d", "第 %[2]d 行的用例也叫 %[1]s", quoted(c.name), first))
		}
		names[c.name] = at.line
		s.cases = append(s.cases, c)
	}
}

// caseWorld is what a case stands in.
type caseWorld struct {
	base   directory.Attributes
	types  map[string]directory.Type
	number int
}

func (s *Suite) readCase(r *reader, keys map[string]entry, at place, w caseWorld) testCase {
	c := testCase{name: plain(r.needed(keys, "name", at)), at: at}
	c.object = directory.Object{Key: directory.Key{Kind: s.kind, ID: directory.ID(fmt.Sprintf("case-%d", w.number))}, Active: true}
	if e, ok := keys["id"]; ok {
		c.object.ID = directory.ID(r.needed(keys, e.key, at))
	}
	if e, ok := keys["operation"]; ok {
		c.proposed = plan.Op(r.word(e, proposals, string(plan.None)))
	} else {
		r.bad(at, say("operation is missing: what is proposed", "缺少 operation：建议的操作"))
	}
	own := r.attributes(keys["data"], w.types)
	c.object.Attributes = w.base.Clone()
	maps.Copy(c.object.Attributes, own)
	c.object.Attributes = present(c.object.Attributes)
	r.hide(keys["hidden"], own, c.object.Attributes)
	c.target = r.target(keys, c.proposed)
	if e, ok := keys["expect"]; ok && e.node != nil {
		c.expect = r.expect(e, w.types)
	} else {
		r.bad(at, say("expect is missing: what should come of it", "缺少 expect：期望的结果"))
	}
	return c
}

// hide makes attributes unknown.
func (r *reader) hide(e entry, own, attrs directory.Attributes) {
	for _, n := range r.items(e) {
		name, ok := scalar(n)
		at := entry{at: e.at, node: n}.where()
		switch {
		case !ok || name == "":
			r.bad(at, say("hidden: expected names of attributes", "hidden：应该是属性名"))
		case own[name].Type() != directory.Absent:
			r.bad(at, say("%s is hidden and in data: take out one of them", "%s 既在 hidden 里又在 data 里：请去掉一处", quoted(name)))
		default:
			attrs[name] = directory.Hidden(hiddenBy)
		}
	}
}

// target reads the account of a case.
func (r *reader) target(keys map[string]entry, proposed plan.Op) directory.Attributes {
	e, given := keys["target"]
	switch {
	case !given && proposed == plan.Create:
		return nil
	case !given:
		return directory.Attributes{}
	case e.node == nil:
		if proposed != plan.Create && proposed != plan.None {
			r.bad(e.at, say("%s is proposed only where there is an account: give one, or leave target out", "只有账号存在时才会建议 %s：请写上账号，或去掉 target", proposed))
		}
		return nil
	case proposed == plan.Create:
		r.bad(e.at, say("CREATE is proposed only where there is no account: take target out, or propose UPDATE or NONE", "只有账号不存在时才会建议 CREATE：请去掉 target，或改成 UPDATE、NONE"))
	}
	return present(r.attributes(e, nil))
}

// expect reads what a case expects.
func (r *reader) expect(e entry, types map[string]directory.Type) expectation {
	keys, ok := r.known(e.node, e.where(), expectKeys)
	if !ok {
		return expectation{}
	}
	var x expectation
	if len(keys) == 0 && len(r.found) == 0 {
		r.bad(e.where(), say("expect is empty: a case that expects nothing proves nothing", "expect 是空的：没有期望的用例说明不了什么"))
	}
	if o, ok := keys["operation"]; ok {
		x.operation = r.word(o, outcomes, "")
	}
	if d, ok := keys["data"]; ok {
		if d.node == nil {
			r.bad(d.at, say("data is empty: write {} for 'changed nothing'", "data 是空的：“没有修改”请写 {}"))
		}
		x.data = r.attributes(d, types)
	}
	if v, ok := keys["reason"]; ok {
		reason := ""
		if v.node != nil {
			reason, _ = r.words(v)
		}
		x.reason = &reason
	}
	if _, ok := keys["error"]; ok {
		x.err = r.needed(keys, "error", e.at)
		if x.operation != "" && x.operation != failed {
			r.bad(keys["error"].at, say("an error goes with operation ERROR, not %s", "有 error 时 operation 只能是 ERROR，不能是 %s", x.operation))
		}
	}
	if l, ok := keys["line"]; ok {
		x.line = r.line(l)
	}
	return x
}

func (r *reader) line(e entry) int {
	if n, ok := e.node.(*ast.IntegerNode); ok {
		if line, err := strconv.Atoi(n.GetToken().Value); err == nil && line > 0 {
			return line
		}
	}
	r.bad(e.where(), say("line is a line number of the rule, from 1", "line 是规则脚本的行号，从 1 开始"))
	return 0
}
