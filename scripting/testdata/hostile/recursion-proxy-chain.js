// want: died: memory | died: killed | died: nesting | overstayed | depth
// tries: through a hundred thousand proxies
var p = {}
for (var i = 0; i < 1e5; i++) p = new Proxy(p, {})
p.x
