// want: died: memory | overstayed
// tries: an array that grows
var a = []
while (true) a.push({})
