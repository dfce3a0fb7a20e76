// want: threw: TypeError: code from text
// tries: Function by two constructors
[].constructor.constructor("return 1")()
