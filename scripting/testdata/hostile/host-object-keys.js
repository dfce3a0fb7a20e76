// want: failed: context.operationType cannot be changed
// tries: another operation
context.operationType = "DELETE"
