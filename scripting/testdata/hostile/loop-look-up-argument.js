// want: failed: repo.getObjectByID takes
// tries: an id whose text never ends
var x = { toString() { for (;;); } }
repo.getObjectByID([x][0])
