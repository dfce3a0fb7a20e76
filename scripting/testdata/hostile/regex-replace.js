// want: overstayed
// tries: a replacement over a pattern that backtracks
'a'.repeat(40).replace(/(a+)+(?=c)/g, '')
