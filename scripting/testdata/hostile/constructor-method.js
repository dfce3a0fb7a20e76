// want: threw: TypeError: code from text
// tries: Function by a method
({ m() {} }).m.constructor("return 1")()
