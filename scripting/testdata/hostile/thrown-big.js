// want: threw: xxx
// tries: to throw a mebibyte
throw 'x'.repeat(1 << 20)
