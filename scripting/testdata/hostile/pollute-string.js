// want: threw: TypeError
// tries: to leave a property on String.prototype
String.prototype.x = 1
