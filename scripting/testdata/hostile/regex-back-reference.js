// want: overstayed
// tries: a back-reference that backtracks for ever
/^(a+)+\1?(?!b)$/.test('a'.repeat(40) + '!')
