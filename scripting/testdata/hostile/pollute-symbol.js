// want: threw: TypeError
// tries: to leave a property on Symbol.prototype
Symbol.prototype.x = 1
