// want: threw: TypeError: code from text | refused: makes code from text
// tries: eval by an optional call
eval?.("1")
