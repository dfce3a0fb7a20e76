package scripting

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja"

	"github.com/rollcallhq/rollcall/sync/directory"
	"github.com/rollcallhq/rollcall/sync/plan"
)

// leakProbes each first look for the trace of an earlier object, then try to
// leave one.
func leakProbes() map[string]string {
	return map[string]string{
		"implicit global":         `try { if (leak) found() } catch (e) {} ; leak = 1`,
		"property of globalThis":  `if (globalThis.leak) found(); globalThis.leak = 1`,
		"global by this":          `var g = (function () { return this })(); if (g && g.leak) found(); if (g) g.leak = 1`,
		"Object.prototype":        `if ({}.leak) found(); Object.prototype.leak = 1`,
		"Array.prototype":         `if ([].leak) found(); Array.prototype.leak = 1`,
		"redefined method":        `if ([1].map(String)[0] === "leak") found(); Array.prototype.map = function () { return ["leak"] }`,
		"String.prototype":        `if ("".leak) found(); String.prototype.leak = 1`,
		"contain":                 `if ("".contain.leak) found(); "".contain.leak = 1`,
		"contain replaced":        `if ("a".contain("b")) found(); String.prototype.contain = function () { return true }`,
		"Function.prototype":      `if ((function () {}).leak) found(); Function.prototype.leak = 1`,
		"built-in function":       `if (Math.max.leak) found(); Math.max.leak = 1`,
		"Math":                    `if (Math.leak) found(); Math.leak = 1`,
		"JSON":                    `if (JSON.stringify({}) === "leak") found(); JSON.stringify = function () { return "leak" }`,
		"Date.prototype":          `if (new Date(0).leak) found(); Date.prototype.leak = 1`,
		"Date.now":                `if (Date.now() === 1) found(); Date.now = function () { return 1 }`,
		"new Function":            `if (globalThis.leak) found(); new (0, Function)("leak = 1")()`,
		"Function by constructor": `if (globalThis.leak) found(); (function () {}).constructor("leak = 1")()`,
		"indirect eval":           `if (globalThis.leak) found(); (0, eval)("leak = 1")`,
		"eval by property":        `if (globalThis.leak) found(); globalThis.eval("globalThis.leak = 1")`,
		"GeneratorFunction":       `var G = Object.getPrototypeOf(function* () {}).constructor; if (G.leak || globalThis.leak) found(); try { G("leak = 1")().next() } catch (e) {} G.leak = 1`,
		"AsyncFunction":           `var A = Object.getPrototypeOf(async function () {}).constructor; if (A.leak || globalThis.leak) found(); try { A("leak = 1")() } catch (e) {} A.leak = 1`,
		"generator prototype":     `var p = Object.getPrototypeOf(function* () {}); if (p.leak) found(); p.leak = 1`,
		"generator instances":     `var p = Object.getPrototypeOf(Object.getPrototypeOf((function* () {})())); if (p.leak) found(); p.leak = 1`,
		"async prototype":         `var p = Object.getPrototypeOf(async function () {}); if (p.leak) found(); p.leak = 1`,
		"iterator prototype":      `var p = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())); if (p.leak) found(); p.leak = 1`,
		"array iterator":          `var p = Object.getPrototypeOf([][Symbol.iterator]()); if (p.leak) found(); p.leak = 1`,
		"string iterator":         `var p = Object.getPrototypeOf(""[Symbol.iterator]()); if (p.leak) found(); p.leak = 1`,
		"map iterator":            `var p = Object.getPrototypeOf(new Map()[Symbol.iterator]()); if (p.leak) found(); p.leak = 1`,
		"set iterator":            `var p = Object.getPrototypeOf(new Set()[Symbol.iterator]()); if (p.leak) found(); p.leak = 1`,
		"matchAll iterator":       `var p = Object.getPrototypeOf("".matchAll(/a/g)); if (p.leak) found(); p.leak = 1`,
		"typed array base":        `var p = Object.getPrototypeOf(Uint8Array); if (p.leak) found(); p.leak = 1`,
		"arguments thrower":       `var p = Object.getOwnPropertyDescriptor((function () { return arguments })(), "callee").get; if (p.leak) found(); p.leak = 1`,
		"arrow's prototype":       `var p = Object.getPrototypeOf(() => 1); if (p.leak) found(); p.leak = 1`,
		"class":                   `class A {}; if (A.leak || A.prototype.leak) found(); A.leak = A.prototype.leak = 1; Object.getPrototypeOf(A).leak = 1`,
		"Symbol":                  `var s = Symbol.for("leak"); if (Object.prototype[s]) found(); Object.prototype[s] = 1`,
		"symbol description":      `if (Symbol.iterator.leak) found(); Symbol.prototype.leak = 1`,
		"Promise":                 `if (Promise.leak) found(); Promise.leak = 1`,
		"Proxy and Reflect":       `if (Reflect.leak || Proxy.leak) found(); Reflect.leak = 1`,
		"Error":                   `if (Error.leak || new Error("x").leak) found(); Error.prototype.leak = 1`,
		"native errors":           `try { null.x } catch (e) { if (e.leak) found(); Object.getPrototypeOf(e).leak = 1 }`,
		"tagged template":         `function tag(s) { return s } var s = tag` + "`a${1}b`" + `; if (s.leak || s[0] !== "a" || s.raw[0] !== "a") found(); try { s[0] = "x" } catch (e) {} try { s.raw[0] = "x" } catch (e) {} s.leak = 1`,
		"regular expression":      `var r = /a/g; if (r.lastIndex !== 0 || r.leak) found(); r.test("aa"); r.leak = 1`,
		"string literal object":   `if (Object("x").leak) found(); Object("x").leak = 1`,
		"inner function":          `function f() {} if (f.leak) found(); f.leak = 1`,
		"prototype of repo's":     `var get = () => repo.getObjectByID("d1"), d = get(); if (d.leak) found(); d.leak = 1`,
		"looked-up date":          `var d = repo.getObjectByID("d1").opened; if (d.getFullYear() !== 2020) found(); d.setFullYear(1999)`,
		"looked-up list":          `var get = () => repo.getObjectByID("d1"), d = get(); if (d.parent !== "d0") found(); d.parent = "x"`,
		"context":                 `var it = () => context; if (it().leak) found(); it().leak = 1`,
		"context's prototype":     `var p = Object.getPrototypeOf(context); if (p.leak) found(); try { p.leak = 1 } catch (e) {} Object.setPrototypeOf(context, {leak: 1})`,
		"context.data":            `if (context.data.leak) found(); context.data.leak = "1"`,
		"data's prototype":        `if (context.data.leak) found(); Object.setPrototypeOf(context.data, {leak: 1})`,
		"tags in place":           `if (context.data.tags.length !== 1) found(); context.data.tags.push("x")`,
		"hiredate in place":       `if (context.data.hiredate.getFullYear() !== 2026) found(); context.data.hiredate.setFullYear(1999)`,
		"today in place":          `if (today().getFullYear() !== 2026) found(); today().setFullYear(1999)`,
		"today":                   `if (today.leak) found(); today.leak = 1`,
		"today replaced":          `if (today() === 1) found(); today = function () { return 1 }`,
		"log":                     `if (log.leak) found(); log.leak = 1`,
		"thrown":                  `if (globalThis.leak) found(); throw new Error("left on the way")`,
		"microtask":               `if (globalThis.leak || {}.leak) found(); Promise.resolve().then(function () { Object.prototype.leak = 1 })`,
		"microtask behind a stop": `if (context.reason) found(); var it = () => context; if (context.id.endsWith("a")) { Promise.resolve().then(function () { context.reason = "x"; repo.executeDelete() }); it().target = 1 }`,
		"recursion":               `if (globalThis.leak) found(); function f() { f() } if (context.id.endsWith("a")) f()`,
		"number prototype":        `if ((1).leak) found(); Number.prototype.leak = 1`,
		"boolean prototype":       `if (true.leak) found(); Boolean.prototype.leak = 1`,
		"big integer prototype":   `if ((1n).leak) found(); BigInt.prototype.leak = 1`,
		"symbol prototype":        `if (Symbol.iterator.leak) found(); Object.getPrototypeOf(Object(Symbol.iterator)).leak = 1`,
		"regexp prototype":        `if (/a/.leak) found(); RegExp.prototype.leak = 1`,
		"regexp exec":             `if (/a/.test("b")) found(); RegExp.prototype.exec = function () { return ["leak"] }`,
		"regexp statics":          `if (RegExp.leak || RegExp.$1 === "leak" || RegExp.lastMatch === "leak" || RegExp["$&"] === "leak") found(); /(leak)/.exec("leak"); RegExp.leak = 1`,
		"map prototype":           `if (new Map().leak || new Map([[1, 2]]).get(1) !== 2) found(); Map.prototype.leak = 1`,
		"map get":                 `if (new Map([[1, 2]]).get(1) !== 2) found(); Map.prototype.get = function () { return "leak" }`,
		"set prototype":           `if (new Set().leak) found(); Set.prototype.leak = 1`,
		"weak map prototype":      `if (new WeakMap().leak) found(); WeakMap.prototype.leak = 1`,
		"weak set prototype":      `if (new WeakSet().leak) found(); WeakSet.prototype.leak = 1`,
		"promise prototype":       `if (Promise.resolve().leak) found(); Promise.prototype.leak = 1`,
		"promise then":            `if (Promise.prototype.then.leak) found(); Promise.prototype.then.leak = 1`,
		"promise resolve":         `if (Promise.resolve(1) === 1) found(); Promise.resolve = function (x) { return x }`,
		"array buffer prototype":  `if (new ArrayBuffer(1).leak) found(); ArrayBuffer.prototype.leak = 1`,
		"data view prototype":     `if (new DataView(new ArrayBuffer(1)).leak) found(); DataView.prototype.leak = 1`,
		"typed array prototype":   `if (new Int8Array(1).leak) found(); Int8Array.prototype.leak = 1`,
		"typed arrays' prototype": `var p = Object.getPrototypeOf(Float64Array.prototype); if (p.leak) found(); p.leak = 1`,
		"typed array constructor": `if (Uint8Array.leak) found(); Uint8Array.leak = 1`,
		"aggregate error":         `if (AggregateError.leak) found(); AggregateError.prototype.leak = AggregateError.leak = 1`,
		"type error prototype":    `if (TypeError.prototype.leak) found(); TypeError.prototype.leak = 1`,
		"type error name":         `if (new TypeError("x").name !== "TypeError") found(); TypeError.prototype.name = "leak"`,
		"error toString":          `if (String(new Error("x")) !== "Error: x") found(); Error.prototype.toString = function () { return "leak" }`,
		"stack trace limit":       `if (Error.stackTraceLimit === 1e9) found(); Error.stackTraceLimit = 1e9`,
		"prepareStackTrace":       `if (Error.prepareStackTrace) found(); Error.prepareStackTrace = function () { return "leak" }`,
		"captureStackTrace":       `if (Error.captureStackTrace && Error.captureStackTrace.leak) found(); Error.captureStackTrace.leak = 1`,
		"unscopables":             `var u = Array.prototype[Symbol.unscopables]; if (u && u.leak) found(); u.leak = 1`,
		"array species":           `if (Object.getOwnPropertyDescriptor(Array, Symbol.species).get.leak) found(); Object.getOwnPropertyDescriptor(Array, Symbol.species).get.leak = 1`,
		"array iterator replaced": `if ([...["a"]].length !== 1) found(); Array.prototype[Symbol.iterator] = function* () {}`,
		"array iterator's next":   `if ([...["a"]].length !== 1) found(); Object.getPrototypeOf([][Symbol.iterator]()).next = function () { return {done: true} }`,
		"string iterator's next":  `if ([..."ab"].length !== 2) found(); Object.getPrototypeOf(""[Symbol.iterator]()).next = function () { return {done: true} }`,
		"array push":              `if ([].push("x") !== 1) found(); Array.prototype.push = function () { return "leak" }`,
		"array isArray":           `if (Array.isArray({})) found(); Array.isArray = function () { return true }`,
		"array from":              `if (Array.from("a").length !== 1) found(); Array.from = function () { return "leak!" }`,
		"object keys":             `if (Object.keys({}).length) found(); Object.keys = function () { return ["leak"] }`,
		"object assign":           `if (Object.assign.leak) found(); Object.assign.leak = 1`,
		"object's prototype":      `if (Object.getPrototypeOf(Object.prototype)) found(); Object.setPrototypeOf(Object.prototype, {leak: 1})`,
		"function's prototype":    `if ((function () {}).leak) found(); Object.setPrototypeOf(Function.prototype, {leak: 1})`,
		"array's prototype":       `if ([].leak) found(); Object.setPrototypeOf(Array.prototype, {leak: 1})`,
		"date's prototype":        `if (new Date(0).leak) found(); Object.setPrototypeOf(Date.prototype, {leak: 1})`,
		"__proto__ setter":        `var p = Object.getOwnPropertyDescriptor(Object.prototype, "__proto__"); if (p.set.leak || p.get.leak) found(); p.get.leak = 1`,
		"__defineGetter__":        `if ({}.leak) found(); Object.prototype.__defineGetter__("leak", function () { return 1 })`,
		"getter on prototype":     `if ({}.leak) found(); Object.defineProperty(Object.prototype, "leak", {get() { return 1 }})`,
		"setter on prototype":     `var got; ({}).x = 1; if (got) found(); Object.defineProperty(Object.prototype, "x", {set() { got = 1; found() }})`,
		"index on prototype":      `if ([,][0]) found(); Array.prototype[0] = "leak"`,
		"symbol on prototype":     `if ({}[Symbol.toPrimitive]) found(); Object.prototype[Symbol.toPrimitive] = function () { return "leak" }`,
		"toStringTag":             `if (String({}) !== "[object Object]") found(); Object.prototype[Symbol.toStringTag] = "leak"`,
		"hasInstance":             `if (1 instanceof Array) found(); Object.defineProperty(Array, Symbol.hasInstance, {value: function () { return true }})`,
		"string constructor":      `if (String("x") !== "x") found(); String = function () { return "leak" }`,
		"string raw":              `if (String.raw.leak) found(); String.raw.leak = 1`,
		"string replace":          `if ("a".replace("a", "b") !== "b") found(); String.prototype.replace = function () { return "leak" }`,
		"undefined":               `if (undefined) found(); undefined = 1`,
		"NaN":                     `if (NaN === 1) found(); NaN = 1`,
		"global deleted":          `if (typeof Map !== "function") found(); delete globalThis.Map`,
		"global replaced":         `if (Map === 1) found(); Map = 1`,
		"global redefined":        `if (globalThis.leak) found(); Object.defineProperty(globalThis, "leak", {value: 1})`,
		"global's prototype":      `if (globalThis.leak) found(); Object.setPrototypeOf(globalThis, {leak: 1})`,
		"globalThis by name":      `if (globalThis === 1) found(); globalThis = 1`,
		"parseInt":                `if (parseInt("1") !== 1 || parseInt.leak) found(); parseInt.leak = 1; parseInt = function () { return 2 }`,
		"isNaN":                   `if (isNaN(1)) found(); isNaN = function () { return true }`,
		"reflect":                 `if (Reflect.get({x: 1}, "x") !== 1) found(); Reflect.get = function () { return "leak" }`,
		"proxy":                   `if (Proxy.revocable.leak) found(); Proxy.revocable.leak = 1`,
		"json parse":              `if (JSON.parse("1") !== 1) found(); JSON.parse = function () { return "leak" }`,
		"math":                    `if (Math.max(1, 2) !== 2) found(); Math.max = function () { return 0 }`,
		"math random":             `if (Math.random() === 0.25) found(); Math.random = function () { return 0.25 }`,
		"chance goes on":          `var r = Math.random(), s = Symbol.for("x"); if (context.id !== "a" && r !== Math.round(r * 1e17) / 1e17 && s.description !== "x") found(); for (var i = 0; i < 10; i++) Math.random()`,
		"date constructor":        `if (Date.leak) found(); Date.leak = 1`,
		"date replaced":           `if (new Date(2026, 0, 1).getFullYear() !== 2026) found(); Date = function () { return new Array() }`,
		"date getTime":            `if (context.data.hiredate.getTime() === 7) found(); Date.prototype.getTime = function () { return 7 }`,
		"now":                     `if (now.leak) found(); now.leak = 1`,
		"now in place":            `if (now().getFullYear() !== 2026) found(); now().setFullYear(1999)`,
		"pinyin":                  `if (pinyin.leak || pinyin("张") !== "zhang") found(); pinyin.leak = 1; pinyin = function () { return "leak" }`,
		"today's prototype":       `if (today.leak) found(); Object.setPrototypeOf(today, {leak: 1})`,
		"reason":                  `if (context.reason !== "") found(); context.reason = "x"; context.reason = ""`,
		"context kept":            `var all = []; if (all.length) found(); all.push(context)`,
		"context's own property":  `if (Reflect.ownKeys(context).length !== 6) found(); Reflect.defineProperty(context, "leak", {value: 1})`,
		"data's own property":     `if (Object.getOwnPropertySymbols(context.data).length) found(); Reflect.set(context.data, Symbol("leak"), 1)`,
		"data written":            `if (context.data.name !== "") found(); context.data.name = "leak"`,
		"data deleted":            `if (!("tags" in context.data)) found(); delete context.data.tags`,
		"data list replaced":      `if (context.data.tags[0] !== "x") found(); context.data.tags[0] = "leak"`,
		"data list's prototype":   `if (context.data.tags.leak) found(); Object.setPrototypeOf(context.data.tags, Object.create(Array.prototype, {leak: {value: 1}}))`,
		"data list's property":    `if (context.data.tags.leak) found(); context.data.tags.leak = 1`,
		"data date's property":    `if (context.data.hiredate.leak) found(); context.data.hiredate.leak = 1`,
		"looked-up twice":         `var d = repo.getObjectByID("d1"); if (Reflect.ownKeys(d).includes("leak")) found(); Reflect.setPrototypeOf(d, {leak: 1}); if ([repo.getObjectByID("d1")][0].leak) found()`,
		"looked-up in place":      `var d = repo.getObjectByID("d1"); if (d.opened.leak || d.opened.getFullYear() !== 2020) found(); d.opened.leak = 1; d.opened.setTime(0)`,
		"class with statics":      `class A { static x; static #y; static y() { return A.#y } static set(v) { A.#y = v } } if (A.x || A.y()) found(); A.x = 1; A.set(1)`,
		"closure":                 `var f = (function () { var n = 0; return function () { return n++ } })(); if (f()) found(); f()`,
		"generator function":      `function* g() { yield 1 } if (g.leak || g.prototype.leak) found(); g.leak = g.prototype.leak = 1`,
		"async function":          `async function g() {} if (g.leak) found(); g.leak = 1`,
		"arrow function":          `var g = () => 1; if (g.leak) found(); g.leak = 1`,
		"method":                  `var o = { m() {} }; if (o.m.leak) found(); o.m.leak = 1`,
		"array literal":           `var a = ["a"]; if (a.length !== 1) found(); a.push("leak")`,
		"object literal":          `var o = { a: 1 }; if (o.leak) found(); o.leak = 1`,
		"default parameter":       `function f(x = []) { return x } if (f().length) found(); f().push(1)`,
		"arguments object":        `function f() { return arguments } if (f().leak) found(); f().leak = 1; Object.getPrototypeOf(f()).leak = 1`,
		"bound function":          `var f = (function () {}).bind(); if (f.leak) found(); f.leak = 1; Object.getPrototypeOf(f).leak = 1`,
		"promise functions":       `new Promise(function (done) { if (Object.getPrototypeOf(done).leak) found(); Object.getPrototypeOf(done).leak = 1 })`,
		"promise left behind":     `if (globalThis.leak) found(); new Promise(function () {}).then(function () { found() }); throw new Error("left")`,
		"microtask that throws":   `if ({}.leak) found(); Promise.resolve().then(function () { Object.prototype.leak = 1 }).catch(function () {})`,
		"async left behind":       `if (globalThis.leak) found(); (async function () { await null; globalThis.leak = 1 })().catch(function () {})`,
		"async that waits":        `if (context.reason) found(); (async function () { await new Promise(function () {}); context.reason = "LEAK" })()`,
		"generator left open":     `function* g() { try { yield 1 } finally { found() } } g().next()`,
		"catch binding":           `try { throw {} } catch (e) { if (e.leak) found(); e.leak = 1; Object.getPrototypeOf(e).leak = 1 }`,
		"stack overflow's error":  `function f() { f() } try { f() } catch (e) { if (e.leak) found(); e.leak = 1 }`,
		"group of a match":        `var g = /(?<x>a)/.exec("a").groups; if (g.leak) found(); g.leak = 1`,
		"descriptor":              `var d = Object.getOwnPropertyDescriptor(Math, "PI"); if (d.leak) found(); d.leak = 1; Object.getPrototypeOf(d).leak = 1`,
		"names of things":         `if ((function f() {}).name !== "f") found(); Object.defineProperty(Function.prototype, "name", {value: "leak"})`,
		"call and apply":          `if ((function () { return 1 }).call() !== 1) found(); Function.prototype.call = function () { return 2 }`,
		"bind":                    `if (Function.prototype.bind.leak) found(); Function.prototype.bind.leak = 1`,
		"symbol registry":         `var s = Symbol.for("leak"); if (Object(s).leak) found(); Reflect.set(Object(s), "leak", 1)`,
		"well-known symbol":       `if (Symbol.iterator !== Object.getOwnPropertyDescriptor(Symbol, "iterator").value || Symbol.leak) found(); Symbol.leak = 1; Symbol.iterator = 1`,
		"unregistered symbol":     `if (Symbol.keyFor(Symbol.iterator)) found(); Symbol.keyFor = function () { return "leak" }`,
	}
}

// probeHead is what a probe reports with.
const probeHead = `function found() { context.reason = "LEAK" }` + "\n"

// probeRules puts the probes into few rules, so that many share an engine. The person
// "p7-a" runs the seventh probe of its rule.
func probeRules() (rules []string, names [][]string) {
	probes := leakProbes()
	var text, cases strings.Builder
	var in []string
	flush := func() {
		if len(in) > 0 {
			rules = append(rules, probeHead+text.String()+"switch (context.id.split('-')[0]) {\n"+cases.String()+"}\nreturn context")
			names = append(names, in)
		}
		text.Reset()
		cases.Reset()
		in = nil
	}
	for _, name := range slices.Sorted(maps.Keys(probes)) {
		if text.Len()+cases.Len()+len(probes[name]) > MaxSource-500 {
			flush()
		}
		fmt.Fprintf(&text, "function p%d() { %s }\n", len(in), probes[name])
		fmt.Fprintf(&cases, "case 'p%d': p%[1]d(); break\n", len(in))
		in = append(in, name)
	}
	flush()
	return rules, names
}

// TestNothingLeaks runs each probe for one object and then for others, in one engine.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	rules, names := probeRules()
	for r, rule := range rules {
		o := options(rule)
		o.Workers = 1
		h := open(t, o)
		var people []plan.Subject
		for i := range names[r] {
			for _, id := range []string{"a", "b", "c"} {
				people = append(people, person(fmt.Sprintf("p%d-%s", i, id), directory.Attributes{"tags": directory.ListOf("x"), "hiredate": date("2026-01-31")}))
			}
		}
		for i, v := range judgeAll(t, h, people...) {
			name := names[r][i/3]
			if v.Reason == "LEAK" {
				t.Errorf("%s: the trace of an earlier object reaches %s", name, people[i].Object.ID)
			}
			if v.Calls != (plan.Calls{}) {
				t.Errorf("%s: %s calls %+v", name, people[i].Object.ID, v.Calls)
			}
		}
	}
}

// TestStoppedRuleIsOver: what a rule queued before it failed is never run, not even
// with the next object.
func TestStoppedRuleIsOver(t *testing.T) {
	t.Parallel()
	h := open(t, options(`if (context.id === "a") {
			Promise.resolve().then(function () { context.reason = "x"; repo.executeDelete() })
			var it = () => context
			it().target = 1
		}
		return context`))
	got := judgeAll(t, h, person("a", nil), person("b", nil))
	wantFailure(t, got[0], 4, "context.target cannot be changed")
	if v := got[1]; v.Failed != nil || v.Reason != "" || v.Calls.Delete || !v.Returned {
		t.Errorf("the next object: %+v", v)
	}
}

// TestPutOffCodeIsDropped: code that runs when the rule is over, because somebody must
// read what it left, cannot put anything off until the next object is judged.
func TestPutOffCodeIsDropped(t *testing.T) {
	t.Parallel()
	const later = `Promise.resolve().then(function () { repo.executeDelete(); context.data.name = "another's" });`
	for name, act := range map[string]string{
		"item":      `var a = []; Object.defineProperty(a, "0", {get: function () { ` + later + ` return "x" }}); context.data.tags = a`,
		"throw":     `throw {toString: function () { ` + later + ` return "x" }}`,
		"rejected":  `Promise.reject({toString: function () { ` + later + ` return "x" }})`,
		"stack":     `(async function () { await 1; throw {get stack() { ` + later + ` return "x" }} })()`,
		"reject":    `throw {toString: function () { Promise.reject(1); return "x" }}`,
		"interrupt": `Promise.resolve().then(function () { return (() => context)().nothing }); ` + later,
	} {
		e := inProcess(t, `if (context.id === "a") { `+act+` } return context`)
		for range 2 {
			first, second := person("a", nil), person("b", nil)
			e.judge(directory.User, &first)
			got, usable := e.judge(directory.User, &second)
			if want := (plan.Verdict{Returned: true}); !usable || !reflect.DeepEqual(got.Verdict, want) {
				t.Errorf("%s: the next object gets %+v %s", name, got.Verdict, failure(got.Verdict))
			}
		}
	}
}

// TestLeakProbesCanFail runs the probes in a bare engine: most of them must find
// what they left there, or they would prove nothing.
func TestLeakProbesCanFail(t *testing.T) {
	t.Parallel()
	leaks, total := 0, 0
	for _, text := range leakProbes() {
		total++
		vm := goja.New()
		vm.SetMaxCallStackSize(100)
		_, err := vm.RunString(`function today() { return new Date(2026, 6, 22) } function now() { return new Date(2026, 6, 22) }
			function log() {} function pinyin() { return "zhang" }
			String.prototype.contain = function (s) { return this.includes(s) }
			var repo = {getObjectByID() { return {parent: "d0", opened: new Date(2020, 5, 1)} }}
			var data = {tags: ["x"], hiredate: new Date(2026, 0, 31), name: ""}
			function run(f, id) {
				var context = {id: id, reason: "", data: data, objectType: "user", operationType: "CREATE", target: null}
				try { f(context, repo)() } catch (e) {}
				return context.reason
			}`)
		if err != nil {
			t.Fatal(err)
		}
		rule, err := vm.RunString("(function(context,repo){return function(){" + probeHead + text + "\nreturn context}})")
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		run, _ := goja.AssertFunction(vm.Get("run"))
		for _, id := range []string{"a", "b"} {
			if got, err := run(goja.Undefined(), rule, vm.ToValue(id)); err == nil && got.String() == "LEAK" {
				leaks++
				break
			}
		}
	}
	if leaks < 100 || leaks < total/2 {
		t.Errorf("only %d of %d probes find a leak where there is one", leaks, total)
	}
	t.Logf("%d of %d probes leak in a bare engine", leaks, total)
}

// TestEverythingIsFrozen walks from the global object, and from what only syntax or
// the host makes, along properties, accessors and prototypes: what is not made anew
// for an object must be frozen.
func TestEverythingIsFrozen(t *testing.T) {
	t.Parallel()
	h := open(t, options(everythingFrozen))
	for _, v := range judgeAll(t, h, person("a", directory.Attributes{"tags": directory.ListOf("x"), "hiredate": date("2026-01-31")}), person("b", nil)) {
		if v.Failed != nil || !strings.HasPrefix(v.Reason, "frozen: ") {
			t.Errorf("%s %s", v.Reason, failure(v))
		}
		var n int
		if _, err := fmt.Sscanf(v.Reason, "frozen: %d", &n); err != nil || n < 480 {
			t.Errorf("only %d objects were looked at: %v", n, err)
		}
	}
}

const everythingFrozen = `
function name(k) { return typeof k === "symbol" ? String(k.description) : k }
function* generator() { yield 1 }
async function later() {}
class Base { static s() {} m() {} get g() { return 1 } }
class Heir extends Base { #p = 1 }
var fresh = {
  generator: generator, generated: generator(), generators: generator.prototype, later: later, promise: later().catch(function () {}), arrow: () => 1,
  asyncArrow: async () => 1, method: { m() {} }.m, Base: Base, Heir: Heir, heir: new Heir(), bound: later.bind(null),
  array: [], values: [].values(), entries: [].entries(), text: Object("x"), characters: "x"[Symbol.iterator](), number: Object(1), truth: Object(true),
  symbol: Object(Symbol("x")), big: Object(1n), regexp: /a/, matches: "a".matchAll(/a/g), match: /(?<x>a)/.exec("a"), date: new Date(0),
  map: new Map(), mapEntries: new Map().entries(), set: new Set(), setEntries: new Set().values(), weakMap: new WeakMap(), weakSet: new WeakSet(),
  buffer: new ArrayBuffer(1), view: new DataView(new ArrayBuffer(1)), bytes: new Uint8Array(1), byteValues: new Uint8Array(1).values(),
  floats: new Float64Array(1), clamped: new Uint8ClampedArray(1), proxy: new Proxy({}, {}), revocable: Proxy.revocable({}, {}),
  arguments: arguments, thrower: Object.getOwnPropertyDescriptor(arguments, "callee").get, error: new RangeError("x"),
  json: JSON.parse("{}"), descriptor: Object.getOwnPropertyDescriptor(Math, "PI"), template: (function (s) { return s })` + "`a${1}b`" + `,
  context: context, data: context.data, tags: context.data.tags, hiredate: context.data.hiredate, found: repo.getObjectByID("d1"), today: today(), now: now(),
}
try { null.x } catch (e) { fresh.caught = e }
new Promise(function (done, fail) { fresh.done = done; fresh.fail = fail })
var mine = new Set(Object.values(fresh)), seen = new Set(), bad = []
var todo = [["global", globalThis]]
for (var k in fresh) todo.push([k + ".__proto__", Object.getPrototypeOf(fresh[k])])
while (todo.length) {
  var [path, o] = todo.pop()
  if (o === null || typeof o !== "object" && typeof o !== "function" || seen.has(o) || mine.has(o)) continue
  if (o === Base.prototype || o === Heir.prototype) { todo.push([path + ".__proto__", Object.getPrototypeOf(o)]); continue }
  seen.add(o)
  if (!Object.isFrozen(o)) bad.push(path)
  todo.push([path + ".__proto__", Object.getPrototypeOf(o)])
  for (const key of Reflect.ownKeys(o)) {
    const p = Object.getOwnPropertyDescriptor(o, key)
    for (const part of ["value", "get", "set"]) todo.push([path + "." + name(key), p[part]])
  }
}
context.reason = bad.length ? "not frozen: " + bad.join() : "frozen: " + seen.size
return context
`

// TestRunsAreAlike: chance and time are the same in every run, so two plans of the
// same inputs are too.
func TestRunsAreAlike(t *testing.T) {
	t.Parallel()
	rule := `context.reason = Object.keys(globalThis) + " " + Math.random() + " " + Math.random() + " " + Date.now() + " " + now().getTime() + " " + new Date().getTime(); return context`
	var reasons []string
	for range 6 {
		for _, v := range judgeAll(t, open(t, options(rule)), person("a", nil), person("b", nil)) {
			reasons = append(reasons, v.Reason)
		}
	}
	for _, r := range reasons {
		if r != reasons[0] || r == "" {
			t.Errorf("%q", reasons)
			break
		}
	}
}
