// want: threw: TypeError
// tries: another push for the host's arrays
Array.prototype.push = function () { repo.executeDelete() }
