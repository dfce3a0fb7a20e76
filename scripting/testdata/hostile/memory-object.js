// want: died: memory | died: killed | overstayed
// tries: an object that grows
var o = {}
for (var i = 0; ; i++) o['k' + i] = i
