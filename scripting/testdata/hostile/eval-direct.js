// want: threw: TypeError: code from text
// tries: eval
eval("1")
