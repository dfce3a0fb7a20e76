package scripting

import (
	"strings"

	"github.com/rollcallhq/rollcall/sync/directory"
)

// What keeps a rule from being used.
var (
	textContextNear = texts{
		en: "context has no %s; did you mean context.%s?",
		zh: "context 没有 %s，是否想写 context.%s？",
	}
	textCodeFromText = texts{
		en: "%s makes code from text, which a rule may not do: write the code itself",
		zh: "%s 会由文本生成代码，规则里不允许：请直接写出代码",
	}
	textAbortNear = texts{
		en: "repo.abort knows no operation \"%s\"; did you mean \"%s\"?",
		zh: "repo.abort 不认识操作 \"%s\"，是否想写 \"%s\"？",
	}
	textAbortOnce = texts{
		en: "repo.abort takes one operation, and would ignore this one: call it once for each",
		zh: "repo.abort 只接受一个操作，这一个会被忽略：请对每个操作各调用一次",
	}
	textGetArguments = texts{
		en: "repo.getObjectByID takes an id, and \"user\" or \"department\" if need be; here it gets %d arguments",
		zh: "repo.getObjectByID 的参数是编号，需要时再加 \"user\" 或 \"department\"；这里有 %d 个参数",
	}
	textKindNear = texts{
		en: "there is no kind \"%s\" of object; did you mean \"%s\"?",
		zh: "没有 \"%s\" 这类对象，是否想写 \"%s\"？",
	}
	textReturnOther = texts{
		en: "this returns something other than context, which is an error for every object that comes here: write 'return context'",
		zh: "这里返回的不是 context，走到这里的对象都会出错：请写 return context",
	}
)

// What is doubtful about names and attributes.
var (
	textUndeclared = texts{
		en: "%s is not an attribute of {who}: it is always undefined; correct the name or declare it",
		zh: "{who}没有属性 %s，读出来总是 undefined：请改正名称，或声明该属性",
	}
	textUndeclaredNear = texts{
		en: "%s is not an attribute of {who}: it is always undefined; did you mean %s?",
		zh: "{who}没有属性 %s，读出来总是 undefined；是否想写 %s？",
	}
	textUnseenWrite = texts{
		en: "%s is written, but the source does not declare it: it counts only if the flow's mapping reads it",
		zh: "写入了 %s，但数据源没有声明它：只有流程的映射用到它时才有作用",
	}
	textUnseenWriteNear = texts{
		en: "%s is written, but the source does not declare it: it counts only if the flow's mapping reads it; did you mean %s?",
		zh: "写入了 %s，但数据源没有声明它：只有流程的映射用到它时才有作用；是否想写 %s？",
	}
	textNoName = texts{
		en: "there is no %s here",
		zh: "这里没有 %s",
	}
	textNoVariable = texts{
		en: "%s is not declared, and giving it a value is an error: put const or let in front",
		zh: "%s 没有声明，给它赋值会出错：请在前面加 const 或 let",
	}
	adviceMeant   = texts{en: "did you mean %s?", zh: "是否想写 %s？"}
	adviceDeclare = texts{en: "correct the name, or declare it with const or let", zh: "请改正名称，或用 const、let 声明它"}
	adviceLog     = texts{en: "write log(…)", zh: "请用 log(…)"}
	adviceNet     = texts{
		en: "a rule reaches neither network nor files; what it needs must be an attribute of the source",
		zh: "规则不能访问网络和文件；需要的数据应作为数据源的属性提供",
	}
	adviceTimer = texts{
		en: "a rule cannot wait; it runs once for each object",
		zh: "规则不能等待；它对每个对象只运行一次",
	}
	adviceModule = texts{
		en: "a rule cannot load other code; write the function into this file",
		zh: "规则不能加载别的代码；请把函数写在本文件里",
	}
	adviceEnv = texts{
		en: "a rule sees no process and no browser, only context, repo and the functions in docs/rules.md",
		zh: "规则看不到进程和浏览器，只有 context、repo 和 docs/rules.md 里的函数",
	}
)

// What is doubtful about calls, values and ends.
var (
	textNoArguments = texts{
		en: "repo.%s takes no arguments; a reason goes into context.reason",
		zh: "repo.%s 不带参数；原因请写到 context.reason",
	}
	textListID = texts{
		en: "%s is an array of ids, and repo.getObjectByID takes one: write %[1]s[0] for the main one",
		zh: "%s 是编号数组，repo.getObjectByID 只要一个编号：主要的那个写 %[1]s[0]",
	}
	textDateOrder = texts{
		en: "a date is compared with a text, which is always false: make a Date of the text, such as new Date(2026, 4, 6) for 6 May 2026",
		zh: "日期和文本比较，结果总是 false：请把文本写成 Date，例如 2026 年 5 月 6 日写 new Date(2026, 4, 6)",
	}
	textDateMinus = texts{
		en: "a date and a text are subtracted, which gives NaN: make a Date of the text, such as new Date(2026, 4, 6) for 6 May 2026",
		zh: "日期和文本相减，结果是 NaN：请把文本写成 Date，例如 2026 年 5 月 6 日写 new Date(2026, 4, 6)",
	}
	textDatePlus = texts{
		en: "a date plus a number is a text, not a date: write new Date(date.getTime() + …), or setDate on a copy",
		zh: "日期加数字得到的是文本，不是日期：请写 new Date(日期.getTime() + …)，或复制后用 setDate",
	}
	textDateSame = texts{
		en: "two Dates are never equal, not even for the same day: write a - b === 0, or compare a.getTime() with b.getTime()",
		zh: "两个 Date 永远不相等，同一天也一样：请写 a - b === 0，或比较 a.getTime() 和 b.getTime()",
	}
	textDateText = texts{
		en: "a date never equals a text: subtract two Dates and compare with 0, such as date - new Date(2026, 4, 6) === 0 for 6 May 2026",
		zh: "日期永远不等于文本：请把两个 Date 相减再和 0 比较，例如 2026 年 5 月 6 日写 日期 - new Date(2026, 4, 6) === 0",
	}
	textEmptyDate = texts{
		en: "%s is a date, and an empty one is neither \"\", null nor undefined: write isNaN(…) to ask whether it is empty",
		zh: "%s 是日期，空日期不是 \"\"、null 或 undefined：判断是否为空请写 isNaN(…)",
	}
	textEmptyText = texts{
		en: "%s is a text, and an empty one is \"\", never null or undefined: compare it with \"\"",
		zh: "%s 是文本，空文本是 \"\"，不会是 null 或 undefined：请和 \"\" 比较",
	}
	textEmptyList = texts{
		en: "%s is an array, and an empty one is [], never null or undefined: ask for its length",
		zh: "%s 是数组，空数组是 []，不会是 null 或 undefined：请看它的 length",
	}
	textEmptyPlain = texts{
		en: "%s is undefined when it is empty, never \"\": write == null to ask whether it is empty",
		zh: "%s 为空时是 undefined，不会是 \"\"：判断是否为空请写 == null",
	}
	textNumberOrder = texts{
		en: "%s is a number, and comparing it with \"%s\" is always false: compare it with a number",
		zh: "%s 是数字，和 \"%s\" 比较结果总是 false：请和数字比较",
	}
	textNumberText = texts{
		en: "%s is a number and never equals \"%s\": compare it with a number",
		zh: "%s 是数字，永远不等于 \"%s\"：请和数字比较",
	}
	textBoolText = texts{
		en: "%s is true or false and never equals \"%s\": write it without the comparison, or compare it with true or false",
		zh: "%s 是 true 或 false，永远不等于 \"%s\"：请直接用它，或和 true、false 比较",
	}
	textTextNumber = texts{
		en: "%s is a text and is never === a number: put the number into quotation marks",
		zh: "%s 是文本，用 === 永远不等于数字：请给数字加引号",
	}
	textListText = texts{
		en: "%s is an array and equals \"%s\" at most when that is all it holds: write .includes(…)",
		zh: "%s 是数组，最多在只含 \"%s\" 一项时才相等：请写 .includes(…)",
	}
	textWordNear = texts{
		en: "%s is never \"%s\"; did you mean \"%s\"?",
		zh: "%s 永远不会是 \"%s\"，是否想写 \"%s\"？",
	}
	textWord = texts{
		en: "%s is never \"%s\": it is one of %s",
		zh: "%s 永远不会是 \"%s\"：它只能是 %s 之一",
	}
	textAssigned = texts{
		en: "= in a condition gives a value instead of comparing: write ===, or put it in parentheses of its own if it is meant",
		zh: "条件里的 = 是赋值，不是比较：请写 ===；确实要赋值就再加一层括号",
	}
	textTrueDate = texts{
		en: "%s is a date, which counts as true even when it is empty: write !isNaN(…) to ask whether there is one",
		zh: "%s 是日期，即使为空也算 true：判断有没有日期请写 !isNaN(…)",
	}
	textTrueList = texts{
		en: "%s is an array, which counts as true even when it is empty: ask for its length",
		zh: "%s 是数组，即使为空也算 true：请看它的 length",
	}
	textNegated = texts{
		en: "the ! makes this true for everybody whose %s is empty: turn the comparison round, or ask !isNaN(…) first",
		zh: "加了 !，%s 为空的人也会算 true：请把比较反过来写，或先判断 !isNaN(…)",
	}
	textReturnEmpty = texts{
		en: "this ends the rule without context: an object whose data was changed by then is held; write 'return context'",
		zh: "这里没有返回 context：在此之前改过数据的对象会被暂缓；请写 return context",
	}
	textNoReturn = texts{
		en: "the rule changes context.data and never returns context: every object that it changes is held; end it with 'return context'",
		zh: "规则修改了 context.data，却没有 return context：它改过的对象都会被暂缓；请以 return context 结束",
	}
	textSomeEnd = texts{
		en: "the rule may end here without 'return context': an object that it changed is then held; put 'return context' at the end",
		zh: "规则可能在这里结束而没有 return context：改过的对象会被暂缓；请在末尾写 return context",
	}
	textUnreachable = texts{
		en: "this is never reached: the rule has ended before it; move it up, or take it out",
		zh: "这里永远执行不到：规则在前面已经结束；请移到前面，或删掉",
	}
	textReplaced = texts{
		en: "context is given another value: a rule must return the one that it got; use another name",
		zh: "context 被换成了别的值：规则必须返回原来的 context；请另用一个变量名",
	}
)

// What stands in front of the words of a panic.
var textCheckFailed = texts{
	en: "the rule may be used, but checking it failed; please report this: ",
	zh: "规则可以使用，但检查时出错，请反馈：",
}

// of fills in who has attributes.
func (t texts) of(who texts) texts {
	return texts{en: strings.ReplaceAll(t.en, "{who}", who.en), zh: strings.ReplaceAll(t.zh, "{who}", who.zh)}
}

// kindWord names objects of a kind, or of any.
func kindWord(kind directory.Kind) texts {
	switch kind {
	case directory.User:
		return texts{en: "a user", zh: "人员"}
	case directory.Department:
		return texts{en: "a department", zh: "部门"}
	default:
		return texts{en: "a user or department", zh: "人员和部门"}
	}
}

// strangers are names of other places, with what to do instead.
func strangers() map[string]texts {
	out := map[string]texts{}
	for _, group := range []struct {
		advice texts
		names  string
	}{
		{adviceLog, "console print alert"},
		{adviceNet, "fetch XMLHttpRequest WebSocket axios http https fs URL URLSearchParams"},
		{adviceTimer, "setTimeout setInterval setImmediate clearTimeout clearInterval sleep queueMicrotask"},
		{adviceModule, "require module exports"},
		{adviceEnv, "process window document self global navigator Buffer Deno Bun"},
	} {
		for name := range strings.FieldsSeq(group.names) {
			out[name] = group.advice
		}
	}
	return out
}

// globals are the names that every rule has.
func globals() []string {
	return strings.Fields(`context repo today now pinyin unique log undefined NaN Infinity arguments eval
		AggregateError Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date Error EvalError
		Float32Array Float64Array Function GoError Int16Array Int32Array Int8Array JSON Map Math Number Object Promise Proxy
		RangeError ReferenceError Reflect RegExp Set String Symbol SyntaxError TypeError URIError Uint16Array Uint32Array
		Uint8Array Uint8ClampedArray WeakMap WeakSet decodeURI decodeURIComponent encodeURI encodeURIComponent escape
		globalThis isFinite isNaN parseFloat parseInt unescape`)
}
