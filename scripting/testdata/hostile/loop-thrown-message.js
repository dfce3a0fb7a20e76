// want: overstayed
// tries: an error whose message never ends
var e = new Error('x')
Object.defineProperty(e, 'message', { get() { for (;;); } })
throw e
