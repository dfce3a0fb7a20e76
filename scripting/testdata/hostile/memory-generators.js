// want: died: memory | died: killed | overstayed
// tries: generators that wait
function* g() { yield 1 }
var all = []
for (;;) { var x = g(); x.next(); all.push(x) }
