// want: threw: TypeError
// tries: to leave a property on Date.prototype
Date.prototype.x = 1
