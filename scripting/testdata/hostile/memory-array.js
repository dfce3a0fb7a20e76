// want: died: memory | died: killed | overstayed
// tries: an array that grows
var a = []
while (true) a.push({})
