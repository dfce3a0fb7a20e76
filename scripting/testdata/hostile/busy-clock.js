// want: overstayed
// tries: to wait by the clock, which stands still
var t = Date.now()
while (Date.now() - t < 10) {}
