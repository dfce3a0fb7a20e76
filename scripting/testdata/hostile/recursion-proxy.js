// want: depth
// tries: through a trap
var p = new Proxy({}, { get(t, k) { return p[k + 'x'] } })
p.a
