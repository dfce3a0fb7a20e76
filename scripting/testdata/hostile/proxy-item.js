// want: failed: context.data.tags
// tries: a proxy in a list
context.data.tags = [new Proxy({}, {})]
