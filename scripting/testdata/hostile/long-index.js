// want: overstayed
// tries: an array of four billion holes, searched
var a = []
a.length = 4294967295
a.indexOf(5)
