// want: threw: TypeError
// tries: to leave a property on Promise.prototype
Promise.prototype.x = 1
