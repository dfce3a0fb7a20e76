// want: threw: TypeError
// tries: Error.stackTraceLimit
Error.stackTraceLimit = Infinity
