// want: harmless
// tries: to keep something in a generator
// everybody
function* g() { var kept; while (true) kept = yield kept }
var x = g()
x.next()
if (x.next(context).value !== context) context.reason = "ESCAPED"
