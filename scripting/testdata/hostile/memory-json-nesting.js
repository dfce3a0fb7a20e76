// want: died: nesting | overstayed | died: memory | died: killed
// tries: JSON nested five million times
JSON.parse('['.repeat(5e6))
