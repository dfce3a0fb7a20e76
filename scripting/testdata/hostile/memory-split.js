// want: died: memory | overstayed
// tries: a text split into characters
'x'.repeat(3e7).split('')
