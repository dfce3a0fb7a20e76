package scripting

import (
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
		"context":                 `var it = () => context; if (it().leak) found()`,
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
		"microtask behind a stop": `if (context.reason) found(); Promise.resolve().then(function () { context.reason = "x"; repo.executeDelete() }); var it = () => context; if (context.id === "a") it().target = 1`,
		"recursion":               `if (globalThis.leak) found(); function f() { f() } if (context.id === "a") f()`,
	}
}

const probeHead = `function found() { context.reason = "LEAK" }` + "\n"

// TestNothingLeaks runs each probe for one object and then for others.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	for name, text := range leakProbes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := inProcess(t, probeHead+text+"\nreturn context")
			for _, id := range []string{"a", "b", "c"} {
				s := person(id, directory.Attributes{"tags": directory.ListOf("x"), "hiredate": date("2026-01-31")})
				j, usable := e.judge(directory.User, &s)
				if j.Reason == "LEAK" {
					t.Errorf("the trace of an earlier object reaches %s", id)
				}
				if !usable {
					t.Errorf("%s: the engine is lost: %s", id, failure(j.Verdict))
				}
				if id == "a" && name == "microtask behind a stop" {
					wantStopped(t, j.Verdict)
				}
			}
		})
	}
}

// wantStopped: what a rule queued before it failed is never run.
func wantStopped(t *testing.T, v plan.Verdict) {
	t.Helper()
	if v.Failed == nil || v.Calls.Delete || v.Reason != "" {
		t.Errorf("got %+v", v)
	}
}

// TestLeakProbesCanFail runs the probes in a bare engine: most of them must find
// what they left there, or they would prove nothing.
func TestLeakProbesCanFail(t *testing.T) {
	t.Parallel()
	leaks := 0
	for _, text := range leakProbes() {
		program, sum := compile(directory.User, probeHead+text+"\nreturn context")
		if program == nil {
			t.Fatalf("%s: %v", text, sum.problems)
		}
		vm := goja.New()
		vm.SetMaxCallStackSize(100)
		_, err := vm.RunString(`function today() { return new Date(2026, 6, 22) } function log() {}
			String.prototype.contain = function (s) { return this.includes(s) }
			var repo = {getObjectByID() { return {parent: "d0", opened: new Date(2020, 5, 1)} }}
			function run(f, id) {
				var context = {id: id, reason: "", data: {tags: ["x"], hiredate: new Date(2026, 0, 31)}}
				try { f(context, repo)() } catch (e) {}
				return context.reason
			}`)
		if err != nil {
			t.Fatal(err)
		}
		rule, err := vm.RunProgram(program)
		if err != nil {
			t.Fatal(err)
		}
		run, _ := goja.AssertFunction(vm.Get("run"))
		for _, id := range []string{"a", "b"} {
			if got, err := run(goja.Undefined(), rule, vm.ToValue(id)); err == nil && got.String() == "LEAK" {
				leaks++
				break
			}
		}
	}
	if leaks < 22 {
		t.Errorf("only %d of %d probes find a leak where there is one", leaks, len(leakProbes()))
	}
	t.Logf("%d of %d probes leak in a bare engine", leaks, len(leakProbes()))
}

// TestRunsAreAlike: chance and time are the same in every run, so two plans of the
// same inputs are too.
func TestRunsAreAlike(t *testing.T) {
	t.Parallel()
	e := inProcess(t, `context.reason = Math.random() + " " + Math.random() + " " + Date.now() + " " + now().getTime(); return context`)
	var reasons []string
	for _, id := range []string{"a", "b"} {
		s := person(id, nil)
		j, _ := e.judge(directory.User, &s)
		reasons = append(reasons, j.Reason)
	}
	if reasons[0] != reasons[1] || reasons[0] == "" {
		t.Errorf("%q and %q", reasons[0], reasons[1])
	}
}
