// want: threw: TypeError
// tries: to give Object.prototype a prototype
Object.setPrototypeOf(Object.prototype, { x: 1 })
