// want: harmless
// tries: a last index beyond the end
var r = /a/g
r.lastIndex = 1e15
r.test('a')
