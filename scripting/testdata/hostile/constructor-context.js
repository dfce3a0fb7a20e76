// want: threw: TypeError: code from text
// tries: Function by context
Object.getPrototypeOf(context).constructor.constructor("return 1")()
