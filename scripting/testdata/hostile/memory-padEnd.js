// want: died: memory | died: killed | overstayed
// tries: a text padded to a billion at its end
'x'.padEnd(1e9, 'ab').length
