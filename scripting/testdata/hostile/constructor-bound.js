// want: threw: TypeError: code from text
// tries: Function by a bound function
(function () {}).bind().constructor("return 1")()
