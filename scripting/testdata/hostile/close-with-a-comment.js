// want: refused: not valid
// tries: to comment the end away
// whole
return context /*
