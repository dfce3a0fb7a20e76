// Executives: never created, updated, disabled or deleted by this flow.
// 高管：本流程不新建、不更新、不停用、不删除。
//
// Reads 用到: employee_no
//
// This keeps single persons out of the plan. The stronger lock against losing an account is
// protect in the configuration: it looks at the account in the target too, takes a hidden number
// for a protected one, works when a rule is changed or broken, and blocks the whole plan.
// 这里只是让个别人不进计划。防止账号丢失，更牢的锁是配置里的 protect：它也核对目标系统里的账号，
// 工号不可见时按受保护处理，规则改坏了照样有效，并且会拦下整个计划。
//
//   protect: {employee_no: ["0001", "0002"], departments: [/董事会]}

var untouched = ["0001", "0002"];

if (untouched.includes(context.data.employee_no)) {
  repo.abort(); // beats every execute call, before or after 无论先后，优先于所有 execute
  context.reason = "高管，不处理 (executive: untouched)";
}

return context;
