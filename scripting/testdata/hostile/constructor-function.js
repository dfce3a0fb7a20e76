// want: threw: TypeError: code from text
// tries: Function by a function
(function () {}).constructor("globalThis.x = 1")()
