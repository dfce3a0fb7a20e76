// want: overstayed
// tries: keys without end
var n = 0
var p = new Proxy({}, { ownKeys() { for (;;) n++ } })
for (var k in p) {}
