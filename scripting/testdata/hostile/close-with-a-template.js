// want: refused: not valid
// tries: to swallow the end
// whole
`
