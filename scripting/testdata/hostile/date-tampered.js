// want: harmless
// tries: a date with methods of its own
var d = new Date(2026, 0, 2)
Object.defineProperty(d, 'getTime', { value: function () { return 0 } })
context.data.hiredate = d
