// want: harmless | failed
// tries: attribute names of 64 KiB
for (var i = 0; i < 20; i++) context.data['x'.repeat(1 << 16) + i] = 'x'
