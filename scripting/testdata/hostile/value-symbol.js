// want: failed: context.data.name
// tries: a symbol as a text
context.data.name = Symbol('x')
