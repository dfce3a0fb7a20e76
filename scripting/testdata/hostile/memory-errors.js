// want: died: memory | died: killed | overstayed
// tries: errors with stacks
var all = []
for (;;) all.push(new Error('x'))
