// want: harmless | depth | died: nesting | overstayed
// tries: through a hundred thousand bound functions
var f = function () {}
for (var i = 0; i < 1e5; i++) f = f.bind(null)
f()
