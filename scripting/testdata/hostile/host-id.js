// want: failed: context.id cannot be changed
// tries: another id
context.id = "a"
