// want: depth
// tries: through toString
var o = { toString() { return '' + o } }
'' + o
