// want: refused: not valid
// tries: an octal number
// whole
return 010
