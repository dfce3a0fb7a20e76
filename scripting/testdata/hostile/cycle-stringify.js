// want: threw: TypeError
// tries: a cycle as JSON
var o = {}
o.o = o
JSON.stringify(o)
