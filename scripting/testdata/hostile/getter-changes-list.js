// want: failed: context.data.tags | harmless
// tries: an item that shortens its list when the host reads it
var list = ['a', 'b']
Object.defineProperty(list, '0', { get() { list.length = 1; return 'x' } })
context.data.tags = list
