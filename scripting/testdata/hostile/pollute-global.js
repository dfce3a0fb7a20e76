// want: threw: TypeError
// tries: a global variable
globalThis.x = 1
