// want: threw: TypeError
// tries: to leave a property on Map.prototype
Map.prototype.x = 1
