// want: threw: TypeError: code from text
// tries: Function by log
log.constructor.constructor("return 1")()
