// want: depth | harmless
// tries: to catch the end of the stack
function f() { try { f() } catch (e) { f() } }
f()
