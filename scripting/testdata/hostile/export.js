// want: refused: not valid
// tries: to export
// whole
export default 1
