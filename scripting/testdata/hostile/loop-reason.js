// want: failed: context.reason takes
// tries: a reason whose text never ends
var x = { toString() { for (;;); } }
context.reason = [x][0]
