// want: overstayed
// tries: a list item that never ends, read behind the rule
context.data.tags = Object.defineProperty(['a'], '0', { get() { for (;;); } })
