// want: depth
// tries: a function that calls itself
function f() { return f() + 1 }
f()
