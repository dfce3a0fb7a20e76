// want: depth
// tries: through Reflect.apply
function f() { return Reflect.apply(f, null, []) }
f()
