// want: harmless | threw: TypeError
// tries: to give context a prototype that answers
Object.setPrototypeOf(context, { operationType: "DELETE", evil: 1 })
if (context.operationType !== "CREATE") context.reason = "ESCAPED"
