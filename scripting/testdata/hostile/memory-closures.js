// want: died: memory | died: killed | overstayed
// tries: functions that remember
var all = []
for (;;) { let x = new Array(100).fill(all.length); all.push(function () { return x }) }
