// Hire dates in the future: an account begins on the first day of work.
// 入职日期在将来：到了入职当天才开通账号。
//
// Reads 用到: hiredate (a date 日期)
//
// The text of this rule contains executeCreate, so the rule alone says who is created. Everybody
// for whom the call is not reached is held and listed, also somebody without a date.
// 脚本里写有 executeCreate，新建谁就只由规则决定：没有走到这一句的人都暂缓并列出，没填日期的人也一样。

var daysBefore = 0; // 3: three days before the first day 提前三天开通就写 3

var opens = today();
opens.setDate(opens.getDate() + daysBefore);

// An empty date is an Invalid Date, and every comparison with it is false.
// 空日期是无效日期，和它比较永远不成立。
if (context.data.hiredate <= opens) {
  repo.executeCreate();
} else if (context.operationType == "CREATE") {
  context.reason = isNaN(context.data.hiredate) ? "没有入职日期 (no hire date)" : "尚未入职 (not hired yet)";
}

return context;
