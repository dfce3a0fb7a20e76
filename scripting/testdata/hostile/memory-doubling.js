// want: died: memory | died: killed | overstayed
// tries: a text that doubles
var s = 'x'
while (true) s += s
