// want: died: memory | died: killed | overstayed
// tries: a map that grows
var m = new Map()
for (var i = 0; ; i++) m.set(i, {})
