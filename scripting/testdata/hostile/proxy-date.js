// want: failed: context.data.hiredate
// tries: a proxy as a date
context.data.hiredate = new Proxy(new Date(), {})
