// want: harmless
// tries: to set the clock of all by the Date that now() gives
now().setFullYear(1970)
if (now().getFullYear() === 1970) context.reason = "ESCAPED"
