// want: threw: ReferenceError
// tries: to sleep without shared memory
Atomics.wait(new Int32Array(4), 0, 0, 1e9)
