// want: threw: TypeError
// tries: to leave a property on Number.prototype
Number.prototype.x = 1
