// want: failed: context.operationType cannot be changed
// tries: another operation
var [it] = [context]
it.operationType = "DELETE"
