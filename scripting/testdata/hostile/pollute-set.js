// want: threw: TypeError
// tries: to leave a property on Set.prototype
Set.prototype.x = 1
