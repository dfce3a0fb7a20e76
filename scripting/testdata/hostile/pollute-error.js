// want: threw: TypeError
// tries: to leave a property on Error.prototype
Error.prototype.x = 1
