// Two jobs of one person, in one row: the second department and title come behind the main ones.
// 一人两岗，写在同一行：第二部门、第二职务接在主岗之后。
//
// Reads 用到: departments (main one first 主部门在前), department2 (id of the second 第二部门的编号),
//             title, title2

var second = context.data.department2;

// A department that does not exist is left out: with it the whole person would wait.
// 不存在的部门不写：否则整个人都会因为引用找不到而暂缓。
if (repo.getObjectByID(second, "department") && !context.data.departments.includes(second)) {
  context.data.departments = context.data.departments.concat([second]);
}

// Empty titles leave no stray comma. 空职务不会留下多余的顿号。
context.data.title = [context.data.title, context.data.title2].filter(Boolean).join("、");

return context;
