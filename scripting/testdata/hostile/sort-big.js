// want: overstayed | died: memory | died: killed
// tries: three million numbers sorted by chance
var a = []
for (var i = 0; i < 3e6; i++) a.push(i % 7)
a.sort(function () { return Math.random() - 0.5 })
