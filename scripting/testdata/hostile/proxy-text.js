// want: failed: context.data.name
// tries: a proxy as a text
context.data.name = new Proxy(new String('x'), {})
