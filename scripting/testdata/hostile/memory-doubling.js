// want: died: memory | overstayed
// tries: a text that doubles
var s = 'x'
while (true) s += s
