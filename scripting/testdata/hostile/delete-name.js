// want: refused: not valid
// tries: to delete a variable
// whole
var x = 1
delete x
