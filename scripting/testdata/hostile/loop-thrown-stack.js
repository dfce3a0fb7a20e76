// want: threw: Error: x
// tries: an error whose stack never ends
throw Object.defineProperty(new Error('x'), 'stack', { get() { for (;;); } })
