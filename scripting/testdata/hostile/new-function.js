// want: threw: TypeError: code from text | refused: makes code from text
// tries: new Function
new Function("return 1")()
