// want: died: nesting | overstayed | died: memory
// tries: JSON nested five million times
JSON.parse('['.repeat(5e6))
