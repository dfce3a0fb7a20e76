// want: threw: TypeError
// tries: another clock
Date.now = function () { return 0 }
