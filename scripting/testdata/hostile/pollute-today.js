// want: threw: TypeError
// tries: another today
today = function () { return new Date(0) }
