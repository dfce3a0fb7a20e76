// want: harmless
// tries: to keep something in a function of the rule
// everybody
function f() {}
if (f.kept || f.prototype.kept) context.reason = "ESCAPED"
f.kept = f.prototype.kept = context
