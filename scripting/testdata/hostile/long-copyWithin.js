// want: overstayed | died: memory | died: killed
// tries: an array copied within
var a = [1]
a.length = 4294967295
a.copyWithin(1, 0)
