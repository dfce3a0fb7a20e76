// want: died: memory | died: killed | overstayed
// tries: a text of a gibibyte
'x'.repeat(1 << 30).length
