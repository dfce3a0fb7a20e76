// want: harmless | failed
// tries: an item that writes when the host reads it
var n = 0
context.data.tags = Object.defineProperty(['a'], '0', { get() { context.data.name = 'late' + n++; return 'x' } })
