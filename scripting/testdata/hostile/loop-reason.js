// want: failed: context.reason takes
// tries: a reason whose text never ends
context.reason = { toString() { for (;;); } }
