// want: harmless | died: nesting | overstayed | died: memory | died: killed
// tries: an array in itself, flattened
var a = []
for (var i = 0; i < 1e6; i++) a = [a]
a.flat(Infinity)
