// want: threw: TypeError
// tries: to delete a global
delete globalThis.Array
