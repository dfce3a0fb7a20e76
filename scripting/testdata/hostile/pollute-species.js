// want: threw: TypeError
// tries: another species of Array
Object.defineProperty(Array, Symbol.species, { value: Object })
