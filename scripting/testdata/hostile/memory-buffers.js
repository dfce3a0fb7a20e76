// want: died: memory | died: killed | overstayed
// tries: many buffers
var all = []
for (;;) all.push(new ArrayBuffer(1 << 20))
