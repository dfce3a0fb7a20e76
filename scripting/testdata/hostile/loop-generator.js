// want: overstayed
// tries: a generator without end
function* all() { for (var i = 0; ; i++) yield i }
for (var x of all()) {}
