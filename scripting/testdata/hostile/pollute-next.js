// want: threw: TypeError
// tries: another next for all array iterators
Object.getPrototypeOf([][Symbol.iterator]()).next = function () { return { done: true } }
