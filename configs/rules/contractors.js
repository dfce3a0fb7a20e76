// Contractors: an account only on request, another mail domain, and an end.
// 外包人员：申请了才有账号，邮箱用另一个域名，合同到期停用。
//
// Reads 用到: type (人员类型), needs_account (是否开通账号: 是/否), contract_end (a date 合同到期日),
//             employee_no, email
//
// Nobody else is touched: this rule has no executeCreate, so whoever is no contractor goes on as
// proposed. 其他人不受影响：脚本里没有 executeCreate，不是外包的人按提议执行。

if (context.data.type.contain("外包")) {
  // No account without a request. Without an end nothing is written: else a date that somebody
  // cleared would enable a disabled account again.
  // 没有申请的不开通。没写到期日的不写入：否则日期被清空时，已停用的账号会重新启用。
  if (context.data.needs_account != "是") {
    repo.abort("CREATE");
    context.reason = "外包，未申请账号 (contractor without a request)";
  } else if (isNaN(context.data.contract_end)) {
    repo.abort("CREATE");
    repo.abort("UPDATE");
    context.reason = "外包，没有合同到期日 (contractor without a contract end)";
  }

  context.data.email = context.data.employee_no.toLowerCase() + "@partner.example.com";

  // The last day of the contract still counts. Somebody who has left and is due for deletion is
  // left to the flow: executeDisable would put a DISABLE in the place of the DELETE, for ever.
  // 到期当天仍可使用。已离职、轮到删除的人交给流程：executeDisable 会把删除换成停用，账号就永远删不掉了。
  if (context.data.contract_end < today() && context.operationType != "DELETE") {
    repo.executeDisable();
    context.reason = "外包合同已到期 (the contract has ended)";
  }
}

return context;
