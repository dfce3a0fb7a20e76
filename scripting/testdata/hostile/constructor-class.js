// want: threw: TypeError: code from text
// tries: Function by a class
(class {}).constructor("return 1")()
