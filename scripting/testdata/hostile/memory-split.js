// want: died: memory | died: killed | overstayed
// tries: a text split into characters
'x'.repeat(3e7).split('')
