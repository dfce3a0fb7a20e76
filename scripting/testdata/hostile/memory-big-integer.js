// want: died: memory | died: killed | overstayed
// tries: a number that squares itself
var n = 3n
while (true) n = n * n
