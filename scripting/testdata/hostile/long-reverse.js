// want: overstayed | died: memory | died: killed
// tries: an array of four billion holes, reversed
var a = [1]
a.length = 4294967295
a.reverse()
