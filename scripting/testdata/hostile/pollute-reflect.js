// want: harmless
// tries: the same by Reflect, which only says no
if (Reflect.set(Object.prototype, "x", 1) || Reflect.defineProperty(Array.prototype, "x", { value: 1 }) || Reflect.setPrototypeOf(Date.prototype, {})) context.reason = "ESCAPED"
