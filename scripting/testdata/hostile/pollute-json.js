// want: harmless
// tries: by a key __proto__ in JSON
var o = JSON.parse('{"__proto__": {"x": 1}}')
if ({}.x) context.reason = "ESCAPED"
