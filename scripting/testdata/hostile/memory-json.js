// want: died: memory | overstayed
// tries: JSON that grows
var o = []
for (;;) { o = [o, o]; JSON.stringify(o) }
