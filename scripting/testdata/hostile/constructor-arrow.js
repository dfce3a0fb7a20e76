// want: threw: TypeError: code from text
// tries: Function by an arrow
(() => 1).constructor("return 1")()
