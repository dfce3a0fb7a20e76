// want: depth
// tries: through apply
function f() { return f.apply(null, arguments) }
f()
