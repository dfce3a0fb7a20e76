// want: died: memory | died: killed | overstayed | threw
// tries: a power
(2n ** 1000000000n).toString()
