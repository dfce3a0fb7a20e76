// want: threw: TypeError: code from text | refused: makes code from text
// tries: eval
eval("1")
