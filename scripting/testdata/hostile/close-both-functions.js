// want: refused: body of one function | refused: not valid
// tries: to close both functions around it
// whole
}})
globalThis.x = 1;(function(context,repo){return function(){
