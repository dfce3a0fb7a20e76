// want: refused: repo may be used only
// tries: repo in a template
`${repo}`
