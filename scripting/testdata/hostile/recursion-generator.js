// want: depth | overstayed
// tries: through generators
function* g() { yield* g() }
[...g()]
