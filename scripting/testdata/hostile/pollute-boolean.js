// want: threw: TypeError
// tries: to leave a property on Boolean.prototype
Boolean.prototype.x = 1
