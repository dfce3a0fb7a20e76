// want: threw: TypeError
// tries: another iterator for all arrays
Array.prototype[Symbol.iterator] = function* () { yield 1 }
