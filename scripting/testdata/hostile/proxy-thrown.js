// want: threw: ?
// tries: to throw a proxy
throw new Proxy({}, { get() { throw 1 } })
