// want: depth | died: nesting
// tries: through toJSON
var o = { toJSON() { return JSON.stringify(o) } }
JSON.stringify(o)
