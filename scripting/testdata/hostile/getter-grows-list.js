// want: overstayed | harmless | failed
// tries: an item that lengthens its list when the host reads it
var list = ['a']
Object.defineProperty(list, '0', { get() { list.push('x'); return 'x' } })
context.data.tags = list
