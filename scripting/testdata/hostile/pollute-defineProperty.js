// want: threw: TypeError
// tries: to define a property on Object.prototype
Object.defineProperty(Object.prototype, "x", { value: 1 })
