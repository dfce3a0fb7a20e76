// want: harmless | died: memory | died: killed | failed | overstayed
// tries: a hundred lists of a thousand long texts
var list = new Array(1000).fill('x'.repeat(32768))
for (var i = 0; i < 100; i++) context.data['a' + i] = list
