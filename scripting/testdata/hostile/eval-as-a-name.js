// want: refused: not valid
// tries: eval as a variable
// whole
var eval = 1
