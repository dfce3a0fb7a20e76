// want: failed: context.data.tags
// tries: lists in lists, without end
var a = []
a.push(a)
context.data.tags = a
