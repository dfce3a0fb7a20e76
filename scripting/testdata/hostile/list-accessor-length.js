// want: threw: TypeError
// tries: a length of its own
context.data.tags = Object.defineProperty([], 'length', { get() { return 1e9 } })
