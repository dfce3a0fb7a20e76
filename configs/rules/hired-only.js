// Who may be written to WeCom, and when. 谁可以写进企业微信，什么时候写。
//
// This file is a function body. It runs once per person while a plan is made,
// sees `context` and `repo`, and ends with `return context`.
// 这个文件是函数体：做计划时对每个人运行一次，可以用 context 和 repo，最后 return context。

// 1. Only people whose first day has come are created; the others are held
//    and listed as held. 入职日期已到的人才创建；没到的人暂缓，并列在计划里。
if (context.data.hiredate - today() <= 0) { repo.executeCreate(); }

// 2. Accounts with this kind of mail address are never updated.
//    邮箱里有 tencent 的账号不更新。
if (context.data.email.contain("tencent")) { repo.abort("UPDATE"); }

// More to use 还可以用:
//   context.operationType          "CREATE" "UPDATE" "DISABLE" "DELETE" "NONE"
//   context.target                 the account in WeCom, or null 企业微信里的账号，没有则为 null
//   context.reason = "…"           shown in the plan 显示在计划里
//   repo.getObjectByID("0001")     another person of the roster, or null 花名册里的另一个人
//   pinyin("李敏")                 "limin"

// 3. Hand the object back; without this line, changes to context.data are
//    held. 把对象交回去；没有这一行，对 context.data 的修改不会执行。
return context;
