// want: depth | overstayed
// tries: through map
function f() { return [1].map(f) }
f()
