// want: refused: repo may be used only
// tries: a computed name
repo["execute" + "Delete"]()
