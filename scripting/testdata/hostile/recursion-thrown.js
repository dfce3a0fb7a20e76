// want: depth | threw: ? | failed: the script engine stumbled
// tries: through the text of what is thrown
throw { toString() { return String(this) } }
