// want: failed: context.data.level
// tries: a big integer as a number
context.data.level = 5n
