// want: threw: TypeError
// tries: a property of today
today.x = 1
