// want: died: memory | overstayed
// tries: lists put together
var a = [1]
for (;;) a = a.concat(a)
