// want: threw: TypeError
// tries: to leave a property on Array.prototype
Array.prototype.x = 1
