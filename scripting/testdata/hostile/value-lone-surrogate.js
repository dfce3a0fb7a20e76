// want: harmless
// tries: half a character
context.data.name = '\ud83d'
