// want: threw: ReferenceError | harmless
// tries: a job for later
queueMicrotask(function () { repo.executeDelete() })
