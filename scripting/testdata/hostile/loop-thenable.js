// want: overstayed
// tries: a thenable that resolves to itself anew
function thenable() { return { then(done) { done(thenable()) } } }
Promise.resolve(thenable())
