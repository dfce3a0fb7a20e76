// want: refused: not valid | refused: body of one function
// tries: to close the function and comment the rest
// whole
})
evil()//
