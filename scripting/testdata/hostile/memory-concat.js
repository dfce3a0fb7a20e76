// want: died: memory | died: killed | overstayed
// tries: lists put together
var a = [1]
for (;;) a = a.concat(a)
