// want: overstayed
// tries: promises that follow each other
function again() { return Promise.resolve().then(again) }
again()
