// want: harmless
// tries: a promise that nobody settles
new Promise(function () {}).then(function () { repo.executeDelete() })
