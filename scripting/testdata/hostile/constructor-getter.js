// want: threw: TypeError: code from text
// tries: Function by a getter
Object.getOwnPropertyDescriptor(Object.prototype, "__proto__").get.constructor("return 1")()
