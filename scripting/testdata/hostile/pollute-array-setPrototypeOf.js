// want: threw: TypeError
// tries: to give Array.prototype another prototype
Object.setPrototypeOf(Array.prototype, { x: 1 })
