// want: threw: TypeError
// tries: a symbol as a name
context.data[Symbol('x')] = 'x'
