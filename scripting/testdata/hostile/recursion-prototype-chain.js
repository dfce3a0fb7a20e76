// want: harmless | died: nesting | overstayed
// tries: through a hundred thousand prototypes
var o = {}
for (var i = 0; i < 1e5; i++) o = Object.create(o)
o.x
