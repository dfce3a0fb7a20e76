// want: harmless
// tries: to keep something in a symbol that all share
// everybody
var s = Symbol.for("kept")
if (Object(s).kept) context.reason = "ESCAPED"
Object(s).kept = context
