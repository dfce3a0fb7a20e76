// want: overstayed
// tries: look-behind that backtracks for ever
/^(a|aa)+(?<!c)$/.test('a'.repeat(60) + 'b')
