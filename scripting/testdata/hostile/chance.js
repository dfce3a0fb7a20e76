// want: harmless
// tries: to be different each time
if (Math.random() !== 0.0 && Date.now() !== now().getTime()) context.reason = "ESCAPED"
