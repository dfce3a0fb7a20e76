// want: harmless
// tries: a list with a length of its class, which its own hides
class L extends Array { get length() { for (;;); } }
context.data.tags = new L('a')
