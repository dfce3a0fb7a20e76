// want: died: memory | died: killed | overstayed
// tries: a WeakMap that grows
var all = [], m = new WeakMap()
for (;;) { var o = {}; all.push(o); m.set(o, new Array(100).fill(0)) }
