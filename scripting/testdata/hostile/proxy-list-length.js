// want: failed: context.data.tags
// tries: a proxy with a lying length
context.data.tags = new Proxy([], { get(t, k) { return k === 'length' ? 1e9 : 'x' } })
