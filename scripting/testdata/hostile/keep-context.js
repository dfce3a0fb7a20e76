// want: harmless
// tries: to keep context for the next object in a closure
// everybody
var holder = (function () { var kept; return { get: function () { return kept }, set: function (v) { kept = v } } })()
if (holder.get()) context.reason = "ESCAPED"
holder.set(context)
