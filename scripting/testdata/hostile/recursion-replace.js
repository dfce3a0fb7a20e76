// want: depth
// tries: through replace
function f() { return "a".replace("a", f) }
f()
