// want: harmless
// tries: to set the clock of all by the Date that today() gives
today().setTime(0)
if (today().getTime() === 0) context.reason = "ESCAPED"
