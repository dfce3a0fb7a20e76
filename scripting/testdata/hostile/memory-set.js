// want: died: memory | died: killed | overstayed
// tries: a set that grows
var m = new Set()
for (var i = 0; ; i++) m.add('x' + i)
