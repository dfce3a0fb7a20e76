// want: harmless
// tries: to find context and repo in arguments
if (arguments.length > 0) context.reason = "ESCAPED"
