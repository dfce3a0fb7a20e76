// want: refused: not valid | refused: this returns something
// tries: an octal number
// whole
return 010
