// want: harmless | threw: TypeError
// tries: to give the data a prototype that answers
Object.setPrototypeOf(context.data, { name: "x" })
if (context.data.name !== "evil") context.reason = "ESCAPED"
