// want: died: memory | died: killed | overstayed
// tries: symbols for ever
for (var i = 0; ; i++) Symbol.for('x' + i)
