// want: harmless | threw
// tries: what only a browser has
if (typeof setTimeout !== "undefined" || typeof fetch !== "undefined" || typeof require !== "undefined" || typeof process !== "undefined" || typeof Deno !== "undefined" || typeof module !== "undefined") context.reason = "ESCAPED"
