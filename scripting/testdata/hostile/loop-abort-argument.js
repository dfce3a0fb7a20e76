// want: failed: repo.abort takes
// tries: an argument whose text never ends
var x = { toString() { for (;;); } }
repo.abort([x][0])
