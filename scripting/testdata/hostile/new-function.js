// want: threw: TypeError: code from text
// tries: new Function
new Function("return 1")()
