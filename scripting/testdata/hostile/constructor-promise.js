// want: threw: TypeError: code from text
// tries: Function by a promise's functions
new Promise(function (done) { done.constructor("return 1")() })
