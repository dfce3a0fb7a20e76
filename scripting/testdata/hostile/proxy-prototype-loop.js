// want: threw: TypeError | depth | overstayed
// tries: a prototype that is its own
var p = new Proxy({}, { getPrototypeOf() { return p } })
p instanceof Object
