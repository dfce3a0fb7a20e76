// want: harmless
// tries: to keep something in a class
// everybody
class A { static #kept; static get() { return A.#kept } static set(v) { A.#kept = v } }
if (A.get()) context.reason = "ESCAPED"
A.set(context)
