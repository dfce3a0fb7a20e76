// Two jobs of one person, in two rows: 0007 is the main one, 0007-2 the second. The second row is
// dropped, and the main row takes its department and title.
// 一人两岗，占两行：0007 是主岗，0007-2 是兼岗。放弃兼岗那一行，由主岗带上它的部门和职务。
//
// Reads 用到: departments, title; the rows' ids 以及两行的编号
//
// The rows must not share a match key (users.match), such as the employee number or the mobile:
// two rows with the same one are a conflict, and neither is written before a rule is asked.
// 两行不能有相同的匹配键（users.match），例如工号、手机：有相同的就是冲突，规则还没执行，两行都不会写入。

var end = "-2";

if (context.id.endsWith(end)) {
  repo.abort();
  context.reason = "兼岗行，由主岗处理 (second row, see the main one)";
  return context;
}

var second = repo.getObjectByID(context.id + end, "user");
if (second) {
  context.data.departments = context.data.departments.concat(
    second.departments.filter((id) => !context.data.departments.includes(id)));
  context.data.title = [context.data.title, second.title].filter(Boolean).join("、");
}

return context;
