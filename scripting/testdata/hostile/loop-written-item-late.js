// want: overstayed
// tries: the same, put in behind the writing
var list = ['a']
context.data.tags = list
Object.defineProperty(list, '0', { get() { for (;;); } })
