// want: threw: ReferenceError
// tries: to sleep
Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0, 1e9)
