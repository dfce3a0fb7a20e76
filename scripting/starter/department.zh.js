/// <reference path="./rollcall.department.d.ts" />
// 对一个部门作出决定。文件是函数体：做计划时对每个部门运行一次，本身不写任何系统。
// 全部说明见 docs/rules.zh-CN.md。
//
// 现在它什么也不决定，Rollcall 的建议照常进行。需要哪段就去掉注释，然后试一试：
// rollcall rules test 文件。

// 只在人事系统里用的部门不新建。
// if (context.data.name.startsWith("（内部）")) { repo.abort("CREATE"); }

// 来源里消失的部门保留，空了也不删。
// repo.abort("DELETE");

// 在目标系统里用另一个名字。
// context.data.name = context.data.name.replace(/（筹）$/, "");

// 没有这一行，对 context.data 的修改会被暂缓。
return context;
