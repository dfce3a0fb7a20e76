// want: threw: TypeError
// tries: Error.prepareStackTrace
Error.prepareStackTrace = function (e, s) { return s }
