// want: overstayed
// tries: two chains of promises
function a() { Promise.resolve().then(b) }
function b() { Promise.resolve().then(a); Promise.resolve().then(a) }
a()
