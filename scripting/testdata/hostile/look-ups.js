// want: failed: the rule looks up more
// tries: to ask for objects without end
for (var i = 0; ; i++) repo.getObjectByID('x' + i)
