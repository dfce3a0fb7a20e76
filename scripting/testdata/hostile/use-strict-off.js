// want: refused: not valid
// tries: what strict mode forbids
// whole
with (context) { data }
