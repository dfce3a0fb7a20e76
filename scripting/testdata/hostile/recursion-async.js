// want: depth
// tries: through async functions
async function f() { return await f() }
f()
