// want: harmless
// tries: ten thousand log lines
for (var i = 0; i < 1e4; i++) log('x'.repeat(100), i)
