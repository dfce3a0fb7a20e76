// want: failed: context.id cannot be changed
// tries: another id by definition
Object.defineProperty(context, "id", { value: "a" })
