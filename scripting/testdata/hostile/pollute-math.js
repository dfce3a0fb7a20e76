// want: threw: TypeError
// tries: another chance
Math.random = function () { return 0 }
