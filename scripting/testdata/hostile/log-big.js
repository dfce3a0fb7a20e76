// want: harmless
// tries: a log line of a mebibyte
log('x'.repeat(1 << 20))
