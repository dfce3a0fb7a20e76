// want: refused: not valid | harmless | threw
// tries: an HTML comment
// whole
<!-- x
return context
