// want: depth
// tries: through a getter
var o = { get x() { return this.x } }
o.x
