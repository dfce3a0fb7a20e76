// want: depth
// tries: through a setter
var o = { set x(v) { this.x = v } }
o.x = 1
