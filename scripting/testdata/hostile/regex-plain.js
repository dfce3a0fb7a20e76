// want: harmless
// tries: a pattern that only a backtracking engine suffers from
/^(a+)+$/.test('a'.repeat(40) + 'b');
/(x+x+)+y/.test('x'.repeat(40))
