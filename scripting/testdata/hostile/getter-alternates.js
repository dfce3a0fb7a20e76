// want: harmless | failed
// tries: an item that is a text first and an object then
var n = 0
context.data.tags = Object.defineProperty(['a'], '0', { get() { return n++ ? {} : 'x' } })
