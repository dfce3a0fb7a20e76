// want: died: memory | died: killed | overstayed
// tries: promises that wait
var all = []
for (;;) all.push(new Promise(function () {}))
