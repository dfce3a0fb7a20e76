// want: threw: TypeError: code from text | failed: context has no constructor | harmless
// tries: context.constructor
context.constructor.constructor("return 1")()
