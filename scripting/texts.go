package scripting

import "fmt"

// What a rule's author is told, in both languages.
var (
	textNotBody = texts{
		en: "the file must be the body of one function: it closes the function around it; remove the stray '})' or '('",
		zh: "文件必须是一个函数的函数体，这里提前结束了外层函数；请删除多余的“})”或“(”",
	}
	textRepoAlias = texts{
		en: "repo may be used only as repo.name(…): do not copy, pass, rename or redeclare it, and do not use repo[…]",
		zh: "repo 只能写成 repo.函数名(…)：不能赋值、传参、重新声明，也不能用 repo[…]",
	}
	textRepoName = texts{
		en: "repo has no function %s; did you mean %s?",
		zh: "repo 没有函数 %s，是否想写 %s？",
	}
	textTooLong = texts{
		en: "the rule has %d bytes, at most %d are allowed: split or shorten it",
		zh: "规则脚本有 %d 字节，最多允许 %d 字节：请拆分或精简",
	}
	textNotUTF8 = texts{
		en: "the file is not UTF-8: save it as UTF-8",
		zh: "文件不是 UTF-8 编码：请另存为 UTF-8",
	}
	textSlowCompile = texts{
		en: "the rule takes too long to compile: simplify it",
		zh: "规则脚本编译超时：请简化",
	}
	textDeadlyCompile = texts{
		en: "compiling the rule ends its process (%s): simplify it",
		zh: "编译该规则脚本会使其进程终止（%s）：请简化",
	}

	textReturned = texts{
		en: "the rule returned something other than context: end it with 'return context'",
		zh: "规则返回了 context 以外的值：请以 return context 结束",
	}
	textOverstayed = texts{
		en: "the rule ran longer than %s for one object and was stopped",
		zh: "规则处理一个对象超过 %s，已被终止",
	}
	textDied = texts{
		en: "the rule ended its process: %s",
		zh: "规则使其进程终止：%s",
	}
	textSpent = texts{
		en: "the rule outran its limits for %d objects of this run, last for %s, and was stopped: nothing is changed; try it on that object and correct it. Last: ",
		zh: "规则在本次运行中对 %d 个对象超出限制（最近一个：%s），已停止运行：不作任何改动；请用该对象试跑并修改规则。最近一次：",
	}
	textManyBytes = texts{
		en: "the rule writes more than %d MiB for one object: write less",
		zh: "规则为一个对象写入的内容超过 %d MiB：请减少写入",
	}
	textFlood = texts{
		en: "the rule wrote more than %d MiB in this run and was stopped: nothing is changed; write shorter values, or fewer of them",
		zh: "规则在本次运行中写入的内容超过 %d MiB，已停止运行：不作任何改动；请缩短写入的值或减少写入",
	}
	textNoStart = texts{
		en: "the rule's process ended twice before the rule was compiled (%s): nothing is changed; look whether the machine is short of memory, otherwise simplify the rule",
		zh: "规则进程两次在编译完成前终止（%s）：不作任何改动；请检查机器内存是否不足，否则请简化规则",
	}
	textNoCompile = texts{
		en: "the rule compiled before and does not any more, so nothing is changed; start the service again: ",
		zh: "规则先前可以编译，现在不能，因此不作任何改动；请重新启动服务：",
	}
	textDepth = texts{
		en: "the rule calls functions more than %d levels deep",
		zh: "规则的函数调用超过 %d 层",
	}
	textTooBig = texts{
		en: "the object is too large to be judged",
		zh: "对象过大，无法判定",
	}

	textHidden = texts{
		en: "attribute %s is hidden (%s): grant the permission or mend the source, or do not read this attribute",
		zh: "属性 %s 不可见（%s）：请授权或修正来源，或不要读取该属性",
	}
	textReadOnly = texts{
		en: "%s cannot be changed; a rule may change the attributes in context.data, and context.reason",
		zh: "不能修改 %s；规则只能修改 context.data 里的属性和 context.reason",
	}
	textContextName = texts{
		en: "context has no %s; it has data, operationType, objectType, id, target and reason",
		zh: "context 没有 %s，只有 data、operationType、objectType、id、target、reason",
	}
	textReasonType = texts{
		en: "context.reason takes a text",
		zh: "context.reason 只能是文本",
	}
	textWrite = texts{
		en: "context.data.%s cannot hold this value",
		zh: "context.data.%s 不能写入该值",
	}
	textManyWrites = texts{
		en: "the rule writes more than %d attributes",
		zh: "规则写入的属性超过 %d 个",
	}
	textAbortOp = texts{
		en: "repo.abort takes CREATE, UPDATE, DISABLE or DELETE, not %s; without an argument it drops any operation",
		zh: "repo.abort 的参数是 CREATE、UPDATE、DISABLE 或 DELETE，不能是 %s；不带参数则放弃任何操作",
	}
	textBothKinds = texts{
		en: "id %s belongs to a user and to a department: write repo.getObjectByID(id, \"user\") or (id, \"department\")",
		zh: "编号 %s 既是人员又是部门：请写 repo.getObjectByID(id, \"user\") 或 (id, \"department\")",
	}
	textManyLooks = texts{
		en: "the rule looks up more than %d objects",
		zh: "规则查找的对象超过 %d 个",
	}
	textManyGrounds = texts{
		en: "the rule looked up more than %d other objects for one that is to be disabled or deleted, which rests on all of them: look up fewer",
		zh: "该对象将被停用或删除，规则为此查找的其他对象超过 %d 个，执行前无法逐一复核：请减少查找",
	}
	textBadKind = texts{
		en: "the second argument of repo.getObjectByID is \"user\" or \"department\"",
		zh: "repo.getObjectByID 的第二个参数是 \"user\" 或 \"department\"",
	}
	textBadID = texts{
		en: "repo.getObjectByID takes an id as text",
		zh: "repo.getObjectByID 的参数是文本编号",
	}
)

// What stands in front of the words of the engine, or of the rule: see quote.
var (
	textThrew  = texts{en: "the rule threw an error: ", zh: "规则抛出异常："}
	textSyntax = texts{en: "not valid JavaScript: ", zh: "JavaScript 语法错误："}
	textEngine = texts{en: "the script engine stumbled over this rule: ", zh: "脚本引擎执行该规则时出错："}
)

// What a value must be, behind textWrite.
var (
	wantText = texts{
		en: "want a text of at most 32,768 characters",
		zh: "应为不超过 32,768 个字符的文本",
	}
	wantInt = texts{
		en: "want a whole number",
		zh: "应为整数",
	}
	wantBool = texts{
		en: "want true or false",
		zh: "应为 true 或 false",
	}
	wantDate = texts{
		en: "want a Date or a text like 2026-01-31",
		zh: "应为 Date 或形如 2026-01-31 的文本",
	}
	wantList = texts{
		en: "want an array of at most 1,000 texts",
		zh: "应为不超过 1,000 项的文本数组",
	}
	wantRef = texts{
		en: "want one id as text",
		zh: "应为一个文本编号",
	}
	wantPlain = texts{
		en: "want a text, number, boolean, Date or array of texts",
		zh: "应为文本、数字、布尔值、Date 或文本数组",
	}
)

// and puts another message behind t.
func (t texts) and(u texts) texts { return texts{en: t.en + ": " + u.en, zh: t.zh + "：" + u.zh} }

// about fills the same arguments into both languages, for more to come behind it.
func (t texts) about(args ...any) texts {
	return texts{en: fmt.Sprintf(t.en, args...), zh: fmt.Sprintf(t.zh, args...)}
}

// with fills a cause into both languages.
func (t texts) with(cause texts) string {
	return texts{en: fmt.Sprintf(t.en, cause.en), zh: fmt.Sprintf(t.zh, cause.zh)}.String()
}
