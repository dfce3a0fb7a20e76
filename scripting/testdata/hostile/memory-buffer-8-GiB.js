// want: died: memory | died: killed | threw
// tries: a buffer of eight gibibytes
new ArrayBuffer(8 * 1024 * 1024 * 1024)
