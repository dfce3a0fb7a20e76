// Leavers kept for 30 days: the account goes on working until 30 days after the leaving date.
// 离职人员保留 30 天：离职日期之后 30 天内账号照常可用。
//
// Reads 用到: leavedate (a date, of leavers as last seen 离职日期，取最后一次读到的值)
//
// Whoever is kept is listed first, as "left, still active", and the room is alarmed from the third
// run on: that is meant so. Without the alarm, and with the account disabled at once, it needs no
// rule: leavers: {first: disable, then: delete, after: 30d}
// 保留的人排在最前面，标为“已离职，账号仍有效”，连续三次后在群里告警，这是有意的。
// 如果可以先停用、30 天后再删除，就不需要规则：leavers: {first: disable, then: delete, after: 30d}

if (context.operationType == "DISABLE" || context.operationType == "DELETE") {
  var until = new Date(context.data.leavedate); // a copy: the attribute itself stays 复制一份，不改属性本身
  until.setDate(until.getDate() + 30);
  if (isNaN(until)) {
    // No date: disabled as proposed, but never deleted. 没有日期：照常停用，但绝不删除。
    repo.abort("DELETE");
    context.reason = "没有离职日期，不删除 (no leaving date: not deleted)";
  } else if (today() < until) {
    repo.abort();
    context.reason = "离职后保留 30 天 (kept for 30 days)";
  }
}

return context;
