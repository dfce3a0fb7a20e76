// want: threw: TypeError | harmless
// tries: by a careless merge
function merge(a, b) { for (var k in b) { if (typeof b[k] === "object") merge(a[k], b[k]); else a[k] = b[k] } }
merge({}, JSON.parse('{"__proto__": {"x": 1}}'))
