// want: refused: not valid
// tries: super outside a method
// whole
super.x
