// want: harmless | failed: the rule writes more
// tries: 256 writes of 32,768 characters each
for (var i = 0; i < 255; i++) context.data['a' + i] = 'x'.repeat(32768)
