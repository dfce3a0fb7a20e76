// want: harmless
// tries: to keep something in a template's array, which is one for all runs
// everybody
function tag(s) { return s }
var s = tag`kept`
if (s.kept || Object.isExtensible(s) || Object.isExtensible(s.raw)) context.reason = "ESCAPED"
Reflect.set(s, "kept", context)
