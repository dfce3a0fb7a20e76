// want: overstayed
// tries: look-ahead that backtracks for ever
/^(a+)+(?!x)$/.test('a'.repeat(40) + 'b')
