// want: failed: context.data.tags
// tries: an array of holes
context.data.tags = new Array(500)
