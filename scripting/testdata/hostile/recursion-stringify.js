// want: died: nesting | depth | threw | overstayed | died: memory | died: killed
// tries: an object in an object, a million times, as JSON
var o = {}
for (var i = 0; i < 1e6; i++) o = { o: o }
JSON.stringify(o)
