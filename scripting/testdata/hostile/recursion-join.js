// want: harmless | died: nesting | depth | overstayed | died: memory | died: killed
// tries: an array in an array, a million times, as text
var a = []
for (var i = 0; i < 1e6; i++) a = [a]
String(a)
