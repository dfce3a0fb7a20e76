// want: died: memory | died: killed | overstayed
// tries: bound functions
var f = function () {}
for (;;) f = f.bind(null, f)
