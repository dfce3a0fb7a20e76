// want: died: memory | died: killed | overstayed
// tries: JSON with deep indents
var o = {}
for (var i = 0; i < 30000; i++) o = { o: o }
JSON.stringify(o, null, '          ')
