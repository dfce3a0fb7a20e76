// want: threw: TypeError: code from text
// tries: indirect eval
(0, eval)("1")
