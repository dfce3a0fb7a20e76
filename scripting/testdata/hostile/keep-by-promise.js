// want: harmless
// tries: to change the next object by a promise of this one
// everybody
var data = context.data
if (context.id === "evil") Promise.resolve().then(function () { return null }).then(function () { data.name = data.name + "!" })
if (context.data.name.contain("!")) context.reason = "ESCAPED"
