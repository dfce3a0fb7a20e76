// want: failed: context.data.name
// tries: a function as a text
context.data.name = function () {}
