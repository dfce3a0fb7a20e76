// want: failed: context.data.tags
// tries: a proxy as a list
context.data.tags = new Proxy(['a'], {})
