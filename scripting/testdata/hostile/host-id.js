// want: failed: context.id cannot be changed
// tries: another id
var [it] = [context]
it.id = "a"
