// want: threw: TypeError: code from text
// tries: Function by an error
try { null.x } catch (e) { e.constructor.constructor("return 1")() }
