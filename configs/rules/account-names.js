// Account names in pinyin, with a number when the name is taken: zhangsan, zhangsan2, zhangsan3 …
// 拼音账号，重名加编号：zhangsan、zhangsan2、zhangsan3 …
//
// Reads 用到: name. Writes 写入: account, email
// Map them 映射: users.map: {userid: account, email: email, …}
//
// unique(text) marks where the number goes: it gives "zhangsan{#}". While the plan is made, {#} is
// replaced by nothing, 2, 3 … — the first that is free in the target, the same one in all
// attributes of one person. Whoever has an account keeps the number. Tests and trials show {#}.
// unique(文本) 标出编号的位置，得到 "zhangsan{#}"。生成计划时，{#} 换成空、2、3 …，取目标系统中第一个没人用的，
// 同一个人的各个属性用同一个编号；已有账号的人编号不变。测试和试跑里看到的就是 {#}。

// Small letters and digits only: blanks, dots and characters without pinyin go.
// 只留小写字母和数字：空格、间隔号和没有拼音的字去掉。
var account = pinyin(context.data.name).toLowerCase().replace(/[^a-z0-9]/g, "");

if (account == "") {
  repo.abort("CREATE");
  repo.abort("UPDATE");
  context.reason = "姓名不能转成账号 (the name gives no account name)";
} else {
  context.data.account = unique(account);
  context.data.email = unique(account) + "@example.com";
}

return context;
