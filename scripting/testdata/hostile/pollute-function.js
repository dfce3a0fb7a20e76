// want: threw: TypeError
// tries: to leave a property on Function.prototype
Function.prototype.x = 1
