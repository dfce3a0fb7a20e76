// want: failed: the rule writes more than 256
// tries: 257 writes
for (var i = 0; i < 257; i++) context.data['a' + i] = 'x'
