/// <reference path="./rollcall.user.d.ts" />
// 对一个人作出决定。文件是函数体：做计划时对每个人运行一次，本身不写任何系统。
// 全部说明见 docs/rules.zh-CN.md。
//
// 现在它什么也不决定，Rollcall 的建议照常进行。需要哪段就去掉注释，然后试一试：
// rollcall rules test 文件，rollcall rules try 流程 人 --rule 文件。

// 入职当天才建账号。文本里一旦出现 executeCreate，没有为其调用它的人都会暂缓，并列在计划里。
// if (context.data.hiredate - today() <= 0) { repo.executeCreate(); } else { context.reason = "尚未入职"; }

// 这些账号任何情况下都不动。
// if (context.data.title === "董事长") { repo.abort(); }

// 这类邮箱的人不更新；新建、停用、删除照常。
// if (context.data.email.contain("@partner.example.com")) { repo.abort("UPDATE"); }

// 写入与来源不同的值。按编号取部门名称：
// var department = repo.getObjectByID(context.data.DeptID, "department");
// if (department) { context.data.title = department.name; }

// 不与他人重复的账号名：zhangsan、zhangsan2……已有账号保持原名。
// context.data.account = unique(pinyin(context.data.name));

// 没有这一行，对 context.data 的修改会被暂缓。
return context;
