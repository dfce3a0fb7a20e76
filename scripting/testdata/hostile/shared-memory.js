// want: threw: ReferenceError
// tries: memory for threads
new SharedArrayBuffer(8)
