// want: harmless
// tries: an array with a far index
var a = []
a[4294967294] = 1
a.length
