// want: failed: context.data.tags | threw
// tries: a revoked proxy as a list
var p = Proxy.revocable([], {})
p.revoke()
context.data.tags = p.proxy
