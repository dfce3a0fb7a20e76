// want: harmless
// tries: a log line of ten thousand arguments
log.apply(null, new Array(10000).fill('x'))
