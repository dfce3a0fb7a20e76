// want: threw: TypeError
// tries: another contain
String.prototype.contain = function () { return true }
