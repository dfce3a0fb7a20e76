// want: threw: TypeError
// tries: another getTime for all dates
Date.prototype.getTime = function () { return 0 }
