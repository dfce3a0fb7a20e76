// want: overstayed
// tries: an array that grows while it is walked
var a = [1]
for (var x of a) a.push(x)
