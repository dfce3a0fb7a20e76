// want: threw: TypeError
// tries: another toString for one object, by assignment
var o = {}
o.toString = function () { return "x" }
