// want: died: memory | died: killed | died: nesting | overstayed | depth
// tries: through three hundred thousand proxies
var p = {}
for (var i = 0; i < 3e5; i++) p = new Proxy(p, {})
p.x
