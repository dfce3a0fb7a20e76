// want: threw: TypeError: code from text
// tries: Function.call
Function.call(null, "return 1")()
