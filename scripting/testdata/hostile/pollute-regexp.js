// want: threw: TypeError
// tries: to leave a property on RegExp.prototype
RegExp.prototype.x = 1
