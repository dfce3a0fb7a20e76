// want: overstayed
// tries: an array of four billion holes, asked
var a = []
a.length = 4294967295
a.includes(5)
