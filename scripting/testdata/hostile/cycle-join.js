// want: harmless
// tries: a cycle as text
var a = []
a.push(a)
String(a)
