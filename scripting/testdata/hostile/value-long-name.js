// want: harmless | failed
// tries: an attribute with an endless name
context.data['n'.repeat(1 << 20)] = 'x'
