// want: harmless
// tries: a reason of a mebibyte
context.reason = 'x'.repeat(1 << 20)
