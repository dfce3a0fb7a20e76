// want: refused: not valid
// tries: to yield outside a generator
// whole
yield 1
