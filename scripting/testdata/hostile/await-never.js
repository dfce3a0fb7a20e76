// want: harmless
// tries: to wait for a promise that nobody settles
(async function () { await new Promise(function () {}); repo.executeDelete() })()
