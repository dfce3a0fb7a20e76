// want: threw: TypeError
// tries: to freeze context
Object.freeze(context)
