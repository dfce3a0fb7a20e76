// want: failed: context.data.name
// tries: the data in itself
context.data.name = context.data
