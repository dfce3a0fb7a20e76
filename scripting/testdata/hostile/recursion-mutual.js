// want: depth
// tries: two functions that call each other
function a() { return b() + 1 }
function b() { return a() + 1 }
a()
