// want: harmless
// tries: repo by the global object
if (globalThis.repo || globalThis["re" + "po"]) context.reason = "ESCAPED"
