// want: overstayed | threw: TypeError | depth
// tries: a chain of prototypes through traps
var p = new Proxy(Object.create(null), { getPrototypeOf() { return new Proxy({}, this) } })
p instanceof Array
