// want: died: memory | died: killed
// tries: a buffer of two gibibytes
new Uint8Array(2 * 1024 * 1024 * 1024).fill(1)
