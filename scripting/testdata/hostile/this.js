// want: harmless
// tries: to find the global object by this
if (this !== undefined || (function () { return this })() !== undefined) context.reason = "ESCAPED"
