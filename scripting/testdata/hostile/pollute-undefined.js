// want: threw: TypeError
// tries: another undefined
globalThis.undefined = 1
