// want: threw: TypeError: code from text
// tries: Function by a function of the host
today.constructor("return 1")()
