// want: threw: TypeError
// tries: a getter for all objects
Object.defineProperty(Object.prototype, "id", { get() { return "a" } })
