// want: threw: Error: x
// tries: an item that throws when the host reads it
context.data.tags = Object.defineProperty(['a'], '0', { get() { throw new Error('x') } })
