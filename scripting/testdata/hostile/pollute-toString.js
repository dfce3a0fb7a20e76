// want: threw: TypeError
// tries: another toString for all objects
Object.prototype.toString = function () { return "x" }
