// want: harmless
// tries: to keep a place in a regular expression
// everybody
function r() { return /a/g }
if (r().lastIndex) context.reason = "ESCAPED"
r().lastIndex = 7
