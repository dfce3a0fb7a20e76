// want: overstayed | died: memory | died: killed | threw
// tries: an array moved up
var a = [1]
a.length = 4294967290
a.unshift(1)
