// want: threw: TypeError: code from text
// tries: Function by a built-in function
Math.max.constructor("return 1")()
