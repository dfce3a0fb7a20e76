// want: overstayed
// tries: an error whose name never ends
throw Object.defineProperty(new TypeError('x'), 'name', { get() { for (;;); } })
