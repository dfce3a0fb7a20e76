// want: harmless
// tries: to find its caller by new.target
if (new.target !== undefined) context.reason = "ESCAPED"
