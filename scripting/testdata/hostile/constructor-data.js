// want: threw: TypeError: code from text
// tries: Function by the data
Object.getPrototypeOf(context.data).constructor.constructor("return 1")()
