// want: threw: ReferenceError
// tries: a timer
setTimeout(function () {}, 0)
