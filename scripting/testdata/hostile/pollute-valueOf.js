// want: threw: TypeError
// tries: another valueOf for all dates
Date.prototype.valueOf = function () { return 0 }
