// want: failed: context.data.tags | harmless
// tries: an array that says it has a billion items
var a = ['x']
a.length = 1e9
context.data.tags = a
