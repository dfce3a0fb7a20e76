// want: died: memory | overstayed
// tries: a text of a gibibyte
'x'.repeat(1 << 30).length
