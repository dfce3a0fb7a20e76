// want: failed: context.reason takes
// tries: a proxy as a reason
context.reason = new Proxy({}, { get() { for (;;); } })
