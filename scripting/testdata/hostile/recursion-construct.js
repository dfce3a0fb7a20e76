// want: depth
// tries: through new
function F() { new F() }
new F()
