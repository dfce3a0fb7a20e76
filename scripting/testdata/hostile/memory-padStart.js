// want: died: memory | died: killed | overstayed
// tries: a text padded to a billion
'x'.padStart(1e9).length
