// Mail addresses by company: each company of the group has its domain. Addresses elsewhere stay.
// 按公司分配邮箱域名：集团内各公司用各自的域名；外部邮箱不动。
//
// Reads 用到: company (公司), email, employee_no

var domains = new Map([
  ["星河科技", "xinghe.example"],
  ["星河上海", "sh.xinghe.example"],
  ["星河香港", "xinghe.example.hk"],
]);

var domain = domains.get(context.data.company); // undefined: an unknown company 未知的公司
var [local, at] = context.data.email.toLowerCase().split("@");
var ours = Array.from(domains.values()).includes(at);

if (domain && ours) {
  // Who moves to another company keeps the name before the @. 调到另一家公司，@ 前面不变。
  context.data.email = local + "@" + domain;
} else if (domain && context.data.email == "" && context.data.employee_no != "") {
  // Who has no address gets one from the employee number. 没有邮箱的，用工号生成。
  context.data.email = context.data.employee_no.toLowerCase() + "@" + domain;
}

return context;
