// want: harmless
// tries: alternatives that are alike
/^(a|a|a)*$/.test('a'.repeat(30) + 'b')
