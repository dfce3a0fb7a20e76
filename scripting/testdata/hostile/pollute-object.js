// want: threw: TypeError
// tries: to leave a property on Object.prototype
Object.prototype.x = 1
