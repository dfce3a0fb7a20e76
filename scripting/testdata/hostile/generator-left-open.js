// want: harmless
// tries: a generator that nobody ends
function* g() { try { yield 1 } finally { repo.executeDelete() } }
g().next()
