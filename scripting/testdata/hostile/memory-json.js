// want: died: memory | died: killed | overstayed
// tries: JSON that grows
var o = []
for (;;) { o = [o, o]; JSON.stringify(o) }
