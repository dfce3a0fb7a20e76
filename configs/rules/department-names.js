// Department names by id: the main department and all above it, as a text in front of the title.
// 按编号取部门名称：主部门及其上级的名称，写在职务前面。
//
// Reads 用到: departments (ids, the main one first 部门编号，主部门在前), title
//
// getObjectByID finds departments outside the flow's scope as well, and gives null for an id that
// does not exist and for an empty one. 范围之外的部门也能取到；编号不存在或为空时得到 null。

var names = [];
var dept = repo.getObjectByID(context.data.departments[0], "department");
while (dept && names.length < 10) { // a circle of departments ends here 防止部门成环
  names.unshift(dept.name);
  dept = repo.getObjectByID(dept.parent, "department");
}

if (names.length > 0) {
  context.data.title = names.join("/") + " " + context.data.title;
}

return context;
