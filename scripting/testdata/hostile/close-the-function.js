// want: refused: body of one function
// tries: to close the function around it
// whole
})
context.reason = "ESCAPED";(function(){
