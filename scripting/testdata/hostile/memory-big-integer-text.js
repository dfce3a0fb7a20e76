// want: overstayed | died: memory | died: killed
// tries: a long number as text
(7n ** 3000000n).toString()
