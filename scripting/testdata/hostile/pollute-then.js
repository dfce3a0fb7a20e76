// want: threw: TypeError
// tries: a then for all objects
Object.prototype.then = function (f) { f() }
